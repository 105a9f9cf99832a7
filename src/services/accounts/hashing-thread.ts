/** The inside of a thread that hashes passwords, one at a time, when nobody else needs the processor. */
import { parentPort } from 'node:worker_threads';
import { hashSync as argon2Hash, verifySync as argon2Verify, type Options } from '@node-rs/argon2';
import { verifySync as bcryptVerify } from '@node-rs/bcrypt';
import { stepBack } from '../../thread.js';

export type HashingTask =
  | { readonly kind: 'hash'; readonly password: string; readonly policy: Options }
  | { readonly kind: 'argon2' | 'bcrypt'; readonly password: string; readonly hash: string };

export type HashingAnswer = { readonly result: string | boolean } | { readonly error: string };

/** What is added to the process's own, as by `nice`: beside its other threads this one gets a tenth of a core that both want. */
const NICENESS = 10;

const port = parentPort!;
stepBack(NICENESS);
port.on('message', (task: HashingTask) => {
  let answer: HashingAnswer;
  try {
    answer = { result: run(task) };
  } catch (error) {
    answer = { error: (error as Error).message };
  }
  port.postMessage(answer);
});

function run(task: HashingTask): string | boolean {
  switch (task.kind) {
    case 'hash':
      return argon2Hash(task.password, task.policy);
    case 'argon2':
      return argon2Verify(task.hash, task.password);
    case 'bcrypt':
      return bcryptVerify(task.password, task.hash);
  }
}

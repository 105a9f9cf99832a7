/** The inside of a thread that hashes passwords, one at a time, when nobody else needs the processor. */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync as argon2Hash, verifySync as argon2Verify, type Options } from '@node-rs/argon2';
import { verifySync as bcryptVerify } from '@node-rs/bcrypt';

export type HashingTask =
  | { readonly kind: 'hash'; readonly password: string; readonly policy: Options }
  | { readonly kind: 'argon2' | 'bcrypt'; readonly password: string; readonly hash: string };

export type HashingAnswer = { readonly result: string | boolean } | { readonly error: string };

/** What is added to the process's own, as by `nice`: beside its other threads this one gets a tenth of a core that both want. */
const NICENESS = 10;

const port = parentPort!;
stepBack();
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

/** On Linux priorities are those of threads (setpriority(2), "C library/kernel differences"); elsewhere of processes. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), Math.min(19, getPriority() + NICENESS));
  } catch {
    // A container may hide /proc or forbid it: hashing works as well, only not as modestly.
  }
}

import type { Worker } from 'node:worker_threads';
import { startThread } from '../../thread.js';
import type { HashingAnswer, HashingTask } from './hashing-thread.js';

/** Milliseconds without work after which a thread ends. */
const IDLE = 30_000;

/**
 * Threads that hash passwords, as many as tasks are given at a time; whoever gives them bounds it. They have a lower
 * priority than what answers requests: a storm of logins takes what predictions leave. libuv's threads, where the
 * packages would hash otherwise, cannot have one, since files are read on them too.
 */
export class HashingThreads {
  /** Those without work, the one that had some last at the end, and when they are let go. */
  private readonly idle = new Map<Worker, NodeJS.Timeout>();

  /** A hash, or whether a password fits one. Errors: what the packages say of a hash that they cannot read. */
  run(task: HashingTask): Promise<string | boolean> {
    const worker = [...this.idle.keys()].at(-1) ?? this.start();
    clearTimeout(this.idle.get(worker));
    this.idle.delete(worker);
    worker.ref();
    return new Promise((resolve, reject) => {
      const stop = () => worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      const onMessage = (answer: HashingAnswer) => {
        stop();
        this.keep(worker);
        if ('result' in answer) resolve(answer.result);
        else reject(new Error(answer.error));
      };
      const onError = (error: Error) => {
        stop();
        reject(error);
      };
      const onExit = () => onError(new Error('The thread that hashes passwords ended'));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  }

  private start(): Worker {
    const worker = startThread('hashing-thread', { name: 'vitrina-hashing' });
    // One that ends while it waits is nobody's failure.
    worker.on('error', () => undefined).once('exit', () => this.idle.delete(worker));
    return worker;
  }

  private keep(worker: Worker): void {
    // One that waits keeps no program from ending.
    worker.unref();
    const end = () => {
      this.idle.delete(worker);
      void worker.terminate();
    };
    this.idle.set(worker, setTimeout(end, IDLE).unref());
  }
}

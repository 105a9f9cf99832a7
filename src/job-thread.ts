/** The inside of the thread in which a server does jobs. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from './config.js';
import type { FromJobThread, ToJobThread } from './services/jobs/embedded-worker.js';
import { stepBack } from './thread.js';
import { jobNiceness, startWorker, usualConcurrency } from './worker.js';

stepBack(jobNiceness);
const config = workerData as Config;
const port = parentPort!;
const post = (message: FromJobThread) => port.postMessage(message);

// With a broker, jobs are for whoever hears of them: processes of their own.
const concurrency = config['job-concurrency'] ?? (config['queue-url'] === undefined ? usualConcurrency : 0);
const starting = startWorker(config, concurrency);
starting.then(
  () => post('started'),
  (error: unknown) => {
    post({ failure: error instanceof Error ? error.message : String(error) });
    // Whoever started this tries again in a while.
    setTimeout(() => port.close(), 5_000);
  },
);

port.on('message', (message: ToJobThread) => {
  if (message === 'stop') {
    starting
      .then((worker) => worker.stop(config['stop-timeout'] * 1000))
      .catch(() => undefined)
      .finally(() => port.close());
  } else void starting.then((worker) => worker.wake(message.wake)).catch(() => undefined);
});

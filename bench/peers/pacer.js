/** Wakes the main thread at each time of `due` (milliseconds of `process.hrtime`): timers of the event loop are too coarse. */
import { parentPort, workerData } from 'node:worker_threads';

const { due } = workerData;
const cell = new Int32Array(new SharedArrayBuffer(4));
const now = () => Number(process.hrtime.bigint()) / 1e6;
for (let next = 0; next < due.length; ) {
  const wait = due[next] - now();
  if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  while (next < due.length && due[next] <= now()) next++;
  parentPort.postMessage(next);
}

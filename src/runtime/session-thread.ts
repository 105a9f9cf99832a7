/** The inside of a session's worker thread: loads one graph, answers runs until it is told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Tensor } from '../tensor.js';
import { reasonOf } from './inline-session.js';
import { openOnnx } from './onnx.js';
import { type FromWorker, handOver, type SessionTask, type ToWorker } from './worker-session.js';

const { graph, options, closing } = workerData as SessionTask;
const port = parentPort!;
const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

try {
  const onnx = await openOnnx(graph, options);
  port.on('message', (message: ToWorker) => {
    if (message === 'close') port.close();
    if (message === 'close' || Atomics.load(closing, 0) === 1) return;
    const { id, inputs } = message;
    let outputs: Record<string, Tensor>;
    try {
      outputs = onnx.run(inputs);
    } catch (cause) {
      post({ id, rejected: reasonOf(cause) });
      return;
    }
    const { tensors, buffers } = handOver(outputs);
    post({ id, outputs: tensors }, buffers);
  });
  post({ ready: true });
} catch (cause) {
  post({ refused: reasonOf(cause) });
}

import type { FeaturizerSpec } from '../signature.js';
import type { Tensor } from '../tensor.js';

/** Where a session's `run` spends its time: on the event loop, in a worker thread, or in a process of its own. */
export type Placement = 'inline' | 'worker' | 'process';

export interface SessionOptions {
  /** Threads that one `run` may use inside an operator. 1 keeps the machine's cores for other requests. */
  readonly intraOpThreads?: number;
  /** Steps before the graph; the session then takes the inputs of the signature. */
  readonly featurizers?: readonly FeaturizerSpec[];
}

/**
 * One loaded graph, wherever it runs.
 *
 * `run` takes the graph's inputs by name and gives its outputs by name. The buffers of the inputs belong to the
 * session from then on (a worker takes them over without a copy); the outputs belong to the caller.
 *
 * Errors: `runtime-rejected` when ONNX Runtime refuses the inputs (or, in a process, dies of them, or computes for too
 * long), `runtime-crashed` when the worker died under the request, `runtime-closed` after `close`.
 */
export interface Session {
  readonly placement: Placement;
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** `run` without a promise, where the event loop computes anyway. */
  runNow?(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /**
   * `run` in a thread beside the event loop, which goes on meanwhile; it costs a tenth of a millisecond more, so it is
   * for large batches. `undefined` as long as there is no such thread: asking for it starts one.
   */
  runAside?(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> | undefined;
  /**
   * `run` in such a thread, started first where there is none, if the inputs are larger than the event loop may compute;
   * `undefined` if they are not. Of graphs whose inputs have a free size beside the batch.
   */
  runLarge?(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> | undefined;
  close(): Promise<void>;
}

import type { Worker } from 'node:worker_threads';
import { VitrinaError } from '../errors.js';
import type { NumericData, Tensor } from '../tensor.js';
import { endThread, startThread } from '../thread.js';
import type { Session, SessionOptions } from './session.js';

/** What the thread starts with. */
export interface SessionTask {
  readonly graph: Uint8Array;
  readonly options: SessionOptions;
  /** 1 once the session closes: runs that wait in the thread are not begun. */
  readonly closing: Int32Array;
}
export type ToWorker = { id: number; inputs: Record<string, Tensor> } | 'close';
export type FromWorker =
  | { ready: true }
  | { refused: string }
  | { id: number; outputs: Record<string, Tensor> }
  | { id: number; rejected: string };

interface Call {
  resolve(outputs: Record<string, Tensor>): void;
  reject(error: Error): void;
}

/** Pauses before a crashed worker is started again, so that a graph that always crashes does not spin. */
const restartDelaysMs = [0, 100, 500, 2_000, 10_000];

/** Milliseconds that the run which a thread is in gets to end when its session closes. */
const endMs = 10_000;

/**
 * A session in a worker thread of its own: for graphs that would block the event loop.
 *
 * Tensors cross by transfer, not by copy. When the thread dies, the calls in flight fail with `runtime-crashed`, and
 * a new thread loads the graph again; calls made meanwhile wait for it.
 */
export async function openWorkerSession(graph: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const session = new WorkerSession(graph, options);
  await session.start();
  return session;
}

class WorkerSession implements Session {
  readonly placement = 'worker';
  private readonly calls = new Map<number, Call>();
  private worker: Promise<Worker> | undefined;
  private nextId = 1;
  private crashes = 0;
  private closed = false;
  private readonly closing = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    private readonly graph: Uint8Array,
    private readonly options: SessionOptions,
  ) {}

  async start(): Promise<void> {
    this.worker = this.spawn();
    await this.worker;
  }

  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    if (this.closed) throw new VitrinaError('runtime-closed', {});
    const worker = await this.worker!;
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      const { tensors, buffers } = handOver(inputs);
      worker.postMessage({ id, inputs: tensors } satisfies ToWorker, buffers);
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    Atomics.store(this.closing, 0, 1);
    const worker = await this.worker?.catch(() => undefined);
    if (worker !== undefined) await endThread(worker, 'close' satisfies ToWorker, endMs);
    this.failCalls(new VitrinaError('runtime-closed', {}));
  }

  private spawn(): Promise<Worker> {
    const worker = startThread('session-thread', {
      workerData: { graph: this.graph, options: this.options, closing: this.closing } satisfies SessionTask,
      name: 'vitrina-session',
    });
    return new Promise((resolve, reject) => {
      let ready = false;
      let fault: Error | undefined;
      worker.on('message', (message: FromWorker) => {
        if ('ready' in message) {
          ready = true;
          resolve(worker);
        } else if ('refused' in message) {
          fault = new VitrinaError('runtime-refused-graph', { reason: message.refused });
        } else this.settle(message);
      });
      worker.on('error', (error) => {
        fault ??= error;
      });
      worker.on('exit', () => {
        const error = fault instanceof VitrinaError ? fault : new VitrinaError('runtime-crashed', {}, { cause: fault });
        if (!ready) reject(error);
        else if (!this.closed) this.replace(error);
      });
    });
  }

  private replace(error: VitrinaError): void {
    this.failCalls(error);
    const delay = restartDelaysMs[Math.min(this.crashes++, restartDelaysMs.length - 1)]!;
    this.worker = new Promise<void>((resolve) => setTimeout(resolve, delay)).then(() => {
      if (this.closed) throw new VitrinaError('runtime-closed', {});
      return this.spawn();
    });
    // The rejection reaches every call that waits for the worker; nobody may be waiting.
    this.worker.catch(() => undefined);
  }

  private settle(message: Exclude<FromWorker, { ready: true } | { refused: string }>): void {
    const call = this.calls.get(message.id);
    if (call === undefined) return;
    this.calls.delete(message.id);
    if ('outputs' in message) {
      this.crashes = 0;
      call.resolve(message.outputs);
    } else call.reject(new VitrinaError('runtime-rejected', { reason: message.rejected }));
  }

  private failCalls(error: VitrinaError): void {
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }
}

/**
 * Tensors as they change hands, and their buffers. What is part of a larger buffer gets one of its own: a transfer takes
 * a buffer with everything on it.
 */
export function handOver(given: Readonly<Record<string, Tensor>>): {
  readonly tensors: Record<string, Tensor>;
  readonly buffers: ArrayBuffer[];
} {
  const tensors: Record<string, Tensor> = {};
  const buffers: ArrayBuffer[] = [];
  for (const name in given) {
    const { dtype, shape, data } = given[name]!;
    const isPart = !Array.isArray(data) && data.byteLength < data.buffer.byteLength;
    const own = isPart ? (data.slice() as NumericData) : data;
    tensors[name] = { dtype, shape, data: own };
    if (Array.isArray(own) || !(own.buffer instanceof ArrayBuffer)) continue;
    if (!buffers.includes(own.buffer)) buffers.push(own.buffer);
  }
  return { tensors, buffers };
}

/** The only importer of onnxruntime-node: tensors in, tensors out. */
import { createRequire } from 'node:module';
import { prepareFeaturizers } from '../featurizers/index.js';
import { type DataType, sizeOf, type Tensor } from '../tensor.js';
import type { SessionOptions } from './session.js';

// ONNX Runtime reports usage to its vendor unless it is told not to before it loads.
process.env.ORT_DISABLE_TELEMETRY = '1';
const require = createRequire(import.meta.url);
const { Tensor: OrtTensor } = require('onnxruntime-node') as typeof import('onnxruntime-node');
/**
 * What the package's own `InferenceSession` is written on. That one waits for a turn of the event loop before it calls
 * this, and looks at names, types and options anew for each run: more than a small graph costs.
 */
const { binding, initOrt } = require('onnxruntime-node/dist/binding.js') as {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  /** Safe to call often. */
  initOrt(): void;
};

/** A tensor as the binding reads it: any object with these four, of which it takes nothing over. */
interface NativeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Tensor['data'];
  readonly location: 'cpu';
}

interface NativeSession {
  readonly inputMetadata: readonly { readonly name: string }[];
  readonly outputMetadata: readonly { readonly name: string }[];
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(
    feeds: Record<string, NativeTensor>,
    fetches: Record<string, null>,
    options: object,
  ): Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: Tensor['data'] }>;
  dispose(): void;
}

/** A session on the calling thread. `run` blocks that thread while ONNX Runtime computes. */
export interface OnnxSession {
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  release(): void;
}

/** Shared by all runs, which only read it. What goes wrong is thrown; ONNX Runtime's own lines would show callers' values. */
const runOptions = { logSeverityLevel: 4 };

/**
 * Optimisations of ONNX Runtime that change numbers. The first folds a factor beside a MatMul into an attribute that is a
 * float32, which costs a float64 graph half its digits. The second makes a Pad the padding of the MaxPool behind it,
 * where its zeros no longer count: ResNet V2 begins so.
 */
const changingNumbers = ['MatMulScaleFusion', 'Pad_Fusion'];

/** Loads a serialised `ModelProto`. Throws what ONNX Runtime throws: the caller knows which model it was. */
export async function openOnnx(graph: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
  // Loading blocks: what waits for the event loop goes first.
  await new Promise((resolve) => setImmediate(resolve));
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(graph.buffer, graph.byteOffset, graph.byteLength, {
    intraOpNumThreads: options.intraOpThreads ?? 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    extra: { optimization: { disable_specified_optimizers: changingNumbers.join(';') } },
    // Batches differ in size from run to run: a memory pattern would be planned again for each.
    enableMemPattern: false,
    // An arena of its own costs each session memory that its release does not give back: see docs/architecture.md.
    enableCpuMemArena: false,
    logSeverityLevel: 4,
  });
  const names = session.inputMetadata.map(({ name }) => name);
  const fetches = Object.fromEntries(session.outputMetadata.map(({ name }) => [name, null]));
  const { featurizers = [] } = options;
  const featurize = featurizers.length === 0 ? undefined : prepareFeaturizers(featurizers);
  return {
    run(given) {
      const inputs = featurize?.(given) ?? given;
      const feeds: Record<string, NativeTensor> = {};
      for (const name of names) feeds[name] = toNative(name, inputs[name]);
      const results = session.run(feeds, fetches, runOptions);
      const outputs: Record<string, Tensor> = {};
      for (const name in results) outputs[name] = fromNative(results[name]!);
      return outputs;
    },
    release: () => session.dispose(),
  };
}

function toNative(name: string, tensor: Tensor | undefined): NativeTensor {
  if (tensor === undefined) throw new Error(`input "${name}" is missing`);
  const { dtype, shape, data } = tensor;
  // The binding would read the first numbers of a buffer that is too long.
  if (sizeOf(shape) !== data.length) {
    throw new Error(`input "${name}" has ${data.length} values for the shape [${shape.join(', ')}]`);
  }
  if (dtype === 'string' && (data as string[]).some((text) => text.includes('\0'))) {
    throw new Error(`input "${name}" has a text with the character U+0000, at which ONNX Runtime would cut it off`);
  }
  // From Node 24 on, this type has an array of its own, into which ONNX Runtime's class puts the bits.
  if (dtype === 'float16') return new OrtTensor('float16', data as Uint16Array, shape) as unknown as NativeTensor;
  return { type: dtype, dims: shape, data, location: 'cpu' };
}

function fromNative({ type, dims, data }: ReturnType<NativeSession['run']>[string]): Tensor {
  const dtype = type as DataType;
  // From Node 24 on, float16 comes as a Float16Array; everywhere else here it is the raw bits.
  return { dtype, shape: dims, data: dtype === 'float16' ? halfBits(data) : data };
}

function halfBits(data: Tensor['data']): Uint16Array {
  if (data instanceof Uint16Array) return data;
  const view = data as unknown as { buffer: ArrayBuffer; byteOffset: number; length: number };
  return new Uint16Array(view.buffer, view.byteOffset, view.length);
}

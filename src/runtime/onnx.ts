/** The only importer of onnxruntime-node: tensors in, tensors out. */
import { createRequire } from 'node:module';
import { prepareFeaturizers } from '../featurizers/index.js';
import type { DataType, Tensor } from '../tensor.js';
import type { SessionOptions } from './session.js';

// ONNX Runtime reports usage to its vendor unless it is told not to before it loads.
process.env.ORT_DISABLE_TELEMETRY = '1';
const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof import('onnxruntime-node');

/** A session on the calling thread. `run` blocks that thread while ONNX Runtime computes. */
export interface OnnxSession {
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Loads a serialised `ModelProto`. Throws what ONNX Runtime throws: the caller knows which model it was. */
export async function openOnnx(graph: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
  const session = await ort.InferenceSession.create(graph, {
    intraOpNumThreads: options.intraOpThreads ?? 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // It folds a factor beside a MatMul into an attribute that is a float32, which costs a float64 graph half its digits.
    extra: { optimization: { disable_specified_optimizers: 'MatMulScaleFusion' } },
    // Batches differ in size from run to run: a memory pattern would be planned again for each.
    enableMemPattern: false,
    // What goes wrong is thrown; ONNX Runtime's own lines would show callers' values on standard error.
    logSeverityLevel: 4,
  });
  const { featurizers = [] } = options;
  const featurize = featurizers.length === 0 ? undefined : prepareFeaturizers(featurizers);
  return {
    async run(given) {
      const inputs = featurize?.(given) ?? given;
      const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {};
      for (const name in inputs) feeds[name] = toOrt(inputs[name]!);
      const results = await session.run(feeds, { logSeverityLevel: 4 });
      const outputs: Record<string, Tensor> = {};
      for (const name in results) outputs[name] = fromOrt(results[name]!);
      return outputs;
    },
    release: () => session.release(),
  };
}

function toOrt(tensor: Tensor): InstanceType<typeof ort.Tensor> {
  return new ort.Tensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.shape);
}

function fromOrt(tensor: InstanceType<typeof ort.Tensor>): Tensor {
  const dtype = tensor.type as DataType;
  // From Node 24 on, float16 comes as a Float16Array; everywhere else here it is the raw bits.
  const data = tensor.data as Tensor['data'];
  return { dtype, shape: tensor.dims, data: dtype === 'float16' ? halfBits(data) : data };
}

function halfBits(data: Tensor['data']): Uint16Array {
  if (data instanceof Uint16Array) return data;
  const view = data as unknown as { buffer: ArrayBuffer; byteOffset: number; length: number };
  return new Uint16Array(view.buffer, view.byteOffset, view.length);
}

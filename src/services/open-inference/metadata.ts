/** What the protocol tells about the server and its models. */
import type { TensorSpec } from '../../signature.js';
import { version } from '../../version.js';
import type { ModelRepository, VersionEntry } from '../repository/model-repository.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { datatypeOf, invalid } from './datatypes.js';

export const serverMetadata = {
  name: 'vitrina',
  version,
  extensions: ['model_repository', 'model_configuration', 'binary_tensor_data', 'classification', 'statistics'],
} as const;

/** −1 is a free dimension. */
const dimensions = (shape: TensorSpec['shape']) => shape.map((size) => size ?? -1);
const tensor = (spec: TensorSpec) => ({
  name: spec.name,
  datatype: datatypeOf(spec.dtype),
  shape: dimensions(spec.shape),
});

export function modelMetadata(models: ModelRepository, ready: ReadyVersion): unknown {
  const versions = models
    .versions(ready.model)
    .flatMap(({ version: name, state }) => (state.status === 'ready' ? [name] : []));
  return {
    name: ready.model,
    versions,
    platform: 'onnx_onnxv1',
    inputs: ready.signature.inputs.map(tensor),
    outputs: ready.signature.outputs.map(tensor),
  };
}

/** Triton's model configuration, as far as it applies here. */
export function modelConfig(ready: ReadyVersion): unknown {
  const { signature, maxBatchRows, maxDelayMs, placement } = ready;
  const batched = [...signature.inputs, ...signature.outputs].every(({ shape }) => shape[0] === null);
  // In a configuration with a batch size the first dimension is not written.
  const side = (specs: readonly TensorSpec[]) =>
    specs.map((spec) => ({
      name: spec.name,
      data_type: `TYPE_${spec.dtype === 'string' ? 'STRING' : datatypeOf(spec.dtype)}`,
      dims: dimensions(batched ? spec.shape.slice(1) : spec.shape),
    }));
  return {
    name: ready.model,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { all: {} },
    max_batch_size: batched ? maxBatchRows : 0,
    input: side(signature.inputs),
    output: side(signature.outputs),
    ...(batched ? { dynamic_batching: { max_queue_delay_microseconds: Math.round(maxDelayMs * 1000) } } : {}),
    instance_group: [{ name: placement, kind: 'KIND_CPU', count: 1 }],
  };
}

/** Every version, with why it is not ready when it is not. */
export function repositoryIndex(models: ModelRepository, readyOnly: boolean): unknown[] {
  const entries = models.list().map((entry) => ({ name: entry.model, version: entry.version, ...stateOf(entry) }));
  return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
}

/**
 * Triton lets whoever loads a model send its configuration and files along (`config`, `file:…`); here an artefact goes
 * through `PUT /models/{name}/versions/{v}`, where it is checked. Errors: `request-invalid`.
 */
export function refuseOverrides(parameters: unknown): void {
  const names = typeof parameters === 'object' && parameters !== null ? Object.keys(parameters) : [];
  const [name] = names;
  if (name === undefined) return;
  const message = 'is not taken when a model is loaded; configure it in model.yaml, and upload files as a new version';
  throw invalid(`parameters.${name.slice(0, 100)}`, message);
}

function stateOf({ state }: VersionEntry): { state: string; reason: string } {
  switch (state.status) {
    case 'ready':
      return { state: 'READY', reason: '' };
    case 'loading':
      return { state: 'LOADING', reason: '' };
    case 'unloaded':
      // What loads when it is asked for is ready as far as callers go.
      return { state: state.onDemand ? 'READY' : 'UNAVAILABLE', reason: state.reason };
    case 'failed':
      return { state: 'UNAVAILABLE', reason: state.error.message };
  }
}

/** Statistics of the versions that answer: of one, of all of a model, or of all there are. */
export function statistics(models: ModelRepository, model?: string, version?: string): unknown[] {
  const names = model === undefined ? models.names() : [model];
  const ready =
    model !== undefined && version !== undefined
      ? [models.get(model, version)]
      : names.flatMap((name) =>
          models.versions(name).flatMap(({ state }) => (state.status === 'ready' ? [state.ready] : [])),
        );
  return ready.map(versionStatistics);
}

/** Triton's statistics of a version: counts, and sums in nanoseconds. */
function versionStatistics({ model, version: name, batcher: { stats } }: ReadyVersion): unknown {
  const duration = (count: number, ms: number) => ({ count, ns: Math.round(ms * 1e6) });
  const { answered, failed, waitMs, runMs } = stats;
  return {
    name: model,
    version: name,
    last_inference: stats.lastAt,
    inference_count: stats.rows,
    execution_count: stats.batches,
    inference_stats: {
      success: duration(answered, waitMs + runMs),
      fail: duration(failed, stats.failedMs),
      queue: duration(answered, waitMs),
      compute_input: duration(answered, 0),
      compute_infer: duration(answered, runMs),
      compute_output: duration(answered, 0),
      cache_hit: duration(0, 0),
      cache_miss: duration(0, 0),
    },
    batch_stats: [...stats.bySize]
      .sort(([a], [b]) => a - b)
      .map(([size, { count, runMs: ms }]) => ({
        batch_size: size,
        compute_input: duration(count, 0),
        compute_infer: duration(count, ms),
        compute_output: duration(count, 0),
      })),
    memory_usage: [],
  };
}

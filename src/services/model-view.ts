/** How a model and its versions look to the outside: HTTP and the command line show the same. */
import type { TensorSpec } from '../signature.js';
import type { ModelRepository, VersionEntry } from './model-repository.js';

export function viewModel(models: ModelRepository, name: string) {
  const versions = models.versions(name);
  const ready = versions.filter(({ state }) => state.status === 'ready');
  const serving = ready.at(-1)?.version ?? null;
  return { name, ready: serving !== null, version: serving, versions: versions.map(viewVersion) };
}

export function viewVersion({ model, version, state }: VersionEntry) {
  if (state.status === 'failed') {
    return { model, version, status: state.status, error: { code: state.error.code, message: state.error.message } };
  }
  if (state.status === 'unloaded') return { model, version, status: state.status, reason: state.reason };
  if (state.status === 'loading') return { model, version, status: state.status };
  const { ready } = state;
  return {
    model,
    version,
    status: state.status,
    ...(ready.description === undefined ? {} : { description: ready.description }),
    signature: { inputs: ready.signature.inputs.map(viewSpec), outputs: ready.signature.outputs.map(viewSpec) },
    ...(ready.labels === undefined ? {} : { labels: ready.labels }),
    provenance: ready.provenance,
    sha256: ready.sha256,
    golden: ready.golden,
    placement: {
      kind: ready.placement,
      singleMs: ready.timing?.singleMs ?? null,
      batchMs: ready.timing?.batchMs ?? null,
      batchRows: ready.timing?.batchRows ?? null,
    },
    batching: { maxBatchRows: ready.maxBatchRows, maxDelayMs: ready.maxDelayMs, queuedRows: ready.batcher.queuedRows },
  };
}

/** Free dimensions are -1, as ONNX Runtime and the Open Inference Protocol write them. */
function viewSpec({ name, dtype, shape, columns }: TensorSpec) {
  return { name, dtype, shape: shape.map((size) => size ?? -1), ...(columns === undefined ? {} : { columns }) };
}

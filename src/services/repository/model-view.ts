/** How a model and its versions look to the outside: HTTP and the command line show the same. */
import type { TensorSpec } from '../../signature.js';
import type { ModelRepository, VersionEntry } from './model-repository.js';
import type { ReadyVersion } from './ready-version.js';
import type { VersionCard } from './version-cards.js';

export function viewModel(models: ModelRepository, name: string) {
  const versions = models.versions(name);
  const serving = models.defaultVersion(name) ?? null;
  return { name, ready: models.answers(name), version: serving, versions: versions.map(viewVersion) };
}

export function viewVersion({ model, version, state }: VersionEntry) {
  const { status } = state;
  switch (status) {
    case 'failed':
      return { model, version, status, error: { code: state.error.code, message: state.error.message } };
    case 'loading':
      return { model, version, status };
    case 'unloaded':
      return {
        model,
        version,
        status,
        reason: state.reason,
        onDemand: state.onDemand,
        ...(state.card === undefined ? {} : { ...viewCard(state.card), golden: state.card.golden }),
      };
    case 'ready':
      return {
        model,
        version,
        status,
        ...viewCard(state.ready),
        golden: state.ready.golden,
        ...viewLoaded(state.ready),
      };
  }
}

/** What is told of a version whether it is in memory or not. */
function viewCard({ description, signature, labels, provenance, sha256 }: ReadyVersion | VersionCard) {
  return {
    ...(description === undefined ? {} : { description }),
    signature: { inputs: signature.inputs.map(viewSpec), outputs: signature.outputs.map(viewSpec) },
    ...(labels === undefined ? {} : { labels }),
    provenance,
    sha256,
  };
}

function viewLoaded({ placement, timing, maxBatchRows, maxDelayMs, batcher }: ReadyVersion) {
  return {
    placement: {
      kind: placement,
      singleMs: timing?.singleMs ?? null,
      batchMs: timing?.batchMs ?? null,
      batchRows: timing?.batchRows ?? null,
    },
    batching: { maxBatchRows, maxDelayMs, queuedRows: batcher.queuedRows },
  };
}

/** Free dimensions are -1, as ONNX Runtime and the Open Inference Protocol write them. */
function viewSpec({ name, dtype, shape, columns }: TensorSpec) {
  return { name, dtype, shape: shape.map((size) => size ?? -1), ...(columns === undefined ? {} : { columns }) };
}

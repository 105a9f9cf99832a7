import { VitrinaError } from '../../errors.js';
import type { Hdf5Group } from '../../formats/hdf5/index.js';
import { type JsonObject, parseJson } from '../../formats/json.js';
import type { KerasArchive } from '../../formats/keras-archive/index.js';
import { defaultLimits, type Limits } from '../../formats/limits.js';
import { isObject } from './config.js';

/** A saved Keras model, whichever file it came from. */
export interface KerasModelSource {
  /** `{class_name, config}` of the model. */
  readonly architecture: JsonObject;
  /** `hdf5`: the group that holds a group a layer; `keras`: the root of `model.weights.h5`. */
  readonly weights: Hdf5Group;
  /** Texts that layers keep beside their variables, by path; only a `.keras` file has any. */
  readonly texts: ReadonlyMap<string, string>;
  readonly format: 'hdf5' | 'keras';
  /** Version of Keras that wrote the file, `2.15.0`. */
  readonly version: string;
}

/**
 * The model in an `.h5` file.
 *
 * @throws VitrinaError `model-unsupported` for weights without architecture, `artefact-malformed`, `artefact-over-limit`
 */
export function readKerasHdf5(root: Hdf5Group, limits: Limits = defaultLimits): KerasModelSource {
  const config = root.attributes.get('model_config');
  if (config === undefined) {
    const weightsOnly =
      root.attributes.has('layer_names') || root.has('layers') || root.has('_layer_checkpoint_dependencies');
    throw new VitrinaError('model-unsupported', {
      what: weightsOnly
        ? 'The .h5 file holds weights without the architecture (save_weights): it has no model_config'
        : 'The HDF5 file is not a Keras model: it has no model_config',
      next: 'save the whole model with model.save("model.keras") or model.save("model.h5")',
    });
  }
  const weights = root.child('model_weights');
  if (weights?.kind !== 'group') {
    throw new VitrinaError('artefact-malformed', { format: 'Keras .h5', what: 'the group model_weights is missing' });
  }
  const version = root.attributes.get('keras_version') ?? weights.attributes.get('keras_version');
  return {
    architecture: object(parseJson(String(config), 'Keras model config', limits)),
    weights,
    texts: new Map(),
    format: 'hdf5',
    version: typeof version === 'string' ? version : '2.0.0',
  };
}

/** The model in an opened `.keras` archive. */
export function readKerasArchive(archive: KerasArchive): KerasModelSource {
  const version = archive.metadata.keras_version;
  return {
    architecture: archive.config,
    weights: archive.weights,
    texts: archive.texts,
    format: 'keras',
    version: typeof version === 'string' ? version : '3.0.0',
  };
}

function object(value: ReturnType<typeof parseJson>): JsonObject {
  if (isObject(value)) return value;
  throw new VitrinaError('artefact-malformed', { format: 'Keras model config', what: 'it is no object' });
}

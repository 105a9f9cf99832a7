import { basename } from 'node:path';
import { VitrinaError } from '../errors.js';
import { openHdf5 } from '../formats/hdf5/index.js';
import { openKerasArchive } from '../formats/keras-archive/index.js';
import { defaultLimits, type Limits } from '../formats/limits.js';
import { sniff } from '../formats/sniff.js';
import type { Conversion } from '../signature.js';
import { convertKeras, readKerasArchive, readKerasHdf5 } from './keras/index.js';
import { convertLightgbm } from './lightgbm/index.js';
import { convertOnnx } from './onnx/index.js';
import { convertPickle } from './sklearn/index.js';
import { convertXgboost } from './xgboost/index.js';

export interface ArtefactOptions {
  readonly limits?: Limits;
  /** Which object of a pickle that holds several: a key, or a position. */
  readonly member?: string | undefined;
}

/**
 * Converts an artefact, whatever it is: its bytes decide, never its name. `file` names it in messages.
 *
 * @throws VitrinaError `artefact-unrecognised` (says what the bytes are), and those of the readers and converters
 */
export async function convertArtefact(
  bytes: Uint8Array,
  file: string,
  { limits = defaultLimits, member }: ArtefactOptions = {},
): Promise<Conversion> {
  const { format, what } = sniff(bytes);
  switch (format) {
    case 'hdf5':
      return convertKeras(readKerasHdf5(openHdf5(bytes, limits), limits));
    case 'keras':
      return convertKeras(readKerasArchive(await openKerasArchive(bytes, limits)));
    case 'onnx':
      return convertOnnx(bytes, limits);
    case 'pickle':
    case 'compressed':
      return convertPickle(bytes, { limits, member });
    case 'xgboost':
      return convertXgboost(bytes, limits);
    case 'lightgbm':
      return convertLightgbm(bytes, limits);
    default:
      throw new VitrinaError('artefact-unrecognised', { file: basename(file), found: `this is ${what}` });
  }
}

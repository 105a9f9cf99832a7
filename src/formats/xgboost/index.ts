import { VitrinaError } from '../../errors.js';
import { parseJson } from '../json.js';
import { defaultLimits, type Limits } from '../limits.js';
import { readUbjson } from '../ubjson/index.js';
import { readBinary } from './binary.js';
import { readDocument } from './document.js';
import type { XgboostModel } from './model.js';

export type { XgboostLinear, XgboostModel, XgboostTree, XgboostTrees } from './model.js';

const configOffset = 'CONFIG-offset:';

/**
 * Reads a model of XGBoost: JSON, UBJSON or the old binary format, as `save_model` writes them, and the snapshots of
 * the same three that a pickled Booster keeps.
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-over-limit`, `artefact-unsupported`
 */
export function readXgboost(bytes: Uint8Array, limits: Limits = defaultLimits): XgboostModel {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.startsWith(configOffset)) {
    // Pickles of 1.0 to 1.2: the length of the binary model, the model, and its configuration, which says nothing new.
    const start = configOffset.length + 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = bytes.length < start ? 0 : Number(view.getBigInt64(configOffset.length, true));
    if (length <= 0 || length > bytes.length - start) {
      throw new VitrinaError('artefact-malformed', { format: 'XGBoost', what: 'its configuration lies outside' });
    }
    return readBinary(bytes.subarray(start, start + length), limits);
  }
  if (!/^\s*\{/.test(head)) return readBinary(bytes, limits);
  const document = /^\s*\{\s*("|\})/.test(head) ? parseJson(bytes, 'XGBoost JSON', limits) : readUbjson(bytes, limits);
  return readDocument(document);
}

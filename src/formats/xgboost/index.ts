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
  if (!/^\s*\{\s*("|\})/.test(head)) return readDocument(readUbjson(bytes, limits));
  checkContainers(bytes);
  return readDocument(parseJson(bytes, 'XGBoost JSON', limits));
}

/** Lists and objects in a JSON text; a tree has about twenty. */
const maxContainers = 2 ** 21;

/** Refuses a text of little more than brackets, which would take a hundred times its size as objects. */
function checkContainers(bytes: Uint8Array): void {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x5b || byte === 0x7b) count++;
  }
  if (count > maxContainers) {
    throw new VitrinaError('artefact-unsupported', {
      format: 'XGBoost JSON',
      what: `${count} lists and objects`,
      next: `at most ${maxContainers} are read; save the model as UBJSON`,
    });
  }
}

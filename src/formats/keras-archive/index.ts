import { isUtf8 } from 'node:buffer';
import { VitrinaError } from '../../errors.js';
import { type Hdf5Group, openHdf5 } from '../hdf5/index.js';
import { type JsonObject, parseJson } from '../json.js';
import { defaultLimits, type Limits } from '../limits.js';
import { readZip } from './zip.js';

/** What `model.save("model.keras")` wrote. Specification: keras/src/saving/saving_lib.py. */
export interface KerasArchive {
  /** The architecture, as `keras.saving.serialize_keras_object` gives it. */
  readonly config: JsonObject;
  /** `keras_version`, `date_saved`. */
  readonly metadata: JsonObject;
  /** Root of `model.weights.h5`. */
  readonly weights: Hdf5Group;
  /** The texts that layers keep beside their variables (vocabularies), by their paths below `assets`. */
  readonly texts: ReadonlyMap<string, string>;
}

/** What lookups were adapted to: one entry a line. */
const vocabulary = /^assets\/(.+\/vocabulary\.txt)$/;
const MEMBERS = ['config.json', 'metadata.json', 'model.weights.h5'] as const;

/**
 * Opens a `.keras` archive. Other members (a README, what custom layers keep) are not read, though a dangerous one (a
 * path out of the archive, a link, a duplicate) refuses the whole.
 *
 * @throws VitrinaError `artefact-malformed`, `artefact-unsupported`, `artefact-over-limit`
 */
export async function openKerasArchive(bytes: Uint8Array, limits: Limits = defaultLimits): Promise<KerasArchive> {
  if (bytes.length > limits.fileBytes) {
    throw new VitrinaError('artefact-over-limit', {
      format: 'Keras archive',
      what: 'a size',
      value: bytes.length,
      limit: limits.fileBytes,
      setting: 'fileBytes',
    });
  }
  const isWanted = (name: string) => (MEMBERS as readonly string[]).includes(name) || vocabulary.test(name);
  const members = await readZip(bytes, isWanted, limits);
  const member = (name: (typeof MEMBERS)[number]): Uint8Array => {
    const data = members.get(name);
    if (data === undefined) throw damaged(`${name} is missing`);
    return data;
  };
  return {
    config: object(parseJson(member('config.json'), 'Keras config.json', limits), 'config.json'),
    metadata: object(parseJson(member('metadata.json'), 'Keras metadata.json', limits), 'metadata.json'),
    weights: openHdf5(member('model.weights.h5'), limits),
    texts: readTexts(members),
  };
}

function readTexts(members: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [name, bytes] of members) {
    const path = vocabulary.exec(name)?.[1];
    if (path === undefined) continue;
    if (!isUtf8(bytes)) throw damaged(`${name} is no text in UTF-8`);
    texts.set(path, Buffer.from(bytes).toString('utf8'));
  }
  return texts;
}

function object(value: ReturnType<typeof parseJson>, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(`${name} holds no object`);
  return value as JsonObject;
}

function damaged(what: string): VitrinaError {
  return new VitrinaError('artefact-malformed', { format: 'Keras archive', what });
}

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VitrinaError } from '../../errors.js';
import { FileLock } from '../../storage/index.js';
import { replaceFile } from '../durable-files.js';
import type { ModelRepository } from './model-repository.js';
import { isModelName } from './model-yaml.js';

/** A model that is made here, of something else than an artefact. */
export interface OwnModel {
  /** The artefact is made once for each digest: that of all that it is made of. */
  readonly digest: string;
  /** Gives the bytes of an ONNX file. Other processes wait for it, and this one does nothing else. */
  make(): Uint8Array;
}

/**
 * Serves a model called `name` that is made here, beside what the repository's paths bring, which wins where both have
 * a version of one number. It lies in `folder`, as `<name>.onnx`, and is made when it is not there, or was made of
 * something else. Of processes that share the folder one makes it.
 *
 * @returns whether this call has made it
 * @throws VitrinaError `storage-unavailable`, `setting-invalid` for a name that no model can have, those of `make`
 */
export async function serveOwnModel(
  models: ModelRepository,
  folder: string,
  name: string,
  own: OwnModel,
): Promise<boolean> {
  if (!isModelName(name)) {
    const expected = 'a name of letters, digits, "_", "-" and "."';
    throw new VitrinaError('setting-invalid', {
      setting: 'model',
      source: folder,
      value: JSON.stringify(name),
      expected,
    });
  }
  mkdirSync(folder, { recursive: true });
  const lock = new FileLock(join(folder, '.lock'));
  try {
    const made = lock.hold(() => makeUnlessMade(folder, name, own));
    await models.addPath(join(folder, artefactOf(name)));
    return made;
  } finally {
    lock.close();
  }
}

const artefactOf = (name: string) => `${name}.onnx`;
const recordOf = (name: string) => `${name}.digest`;

function makeUnlessMade(folder: string, name: string, { digest, make }: OwnModel): boolean {
  const record = join(folder, recordOf(name));
  const isMade = existsSync(join(folder, artefactOf(name))) && existsSync(record);
  if (isMade && readFileSync(record, 'utf8') === digest) return false;
  replaceFile(folder, artefactOf(name), make());
  // Last: a crash in between makes it anew.
  replaceFile(folder, recordOf(name), digest);
  return true;
}

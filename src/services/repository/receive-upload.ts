import { VitrinaError } from '../../errors.js';
import { boundaryOf, readMultipart } from '../../formats/multipart.js';
import { type ArtefactStore, artefactName, type Draft, goldenName, type PartName, yamlName } from './artefact-store.js';
import { checkSha256, UploadDigests } from './upload-digests.js';

export interface Upload {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly stream: AsyncIterable<Uint8Array>;
  /** Bytes of the artefact. */
  readonly limit: number;
}

/** Fields of a form, and how large what they bring may be beside the artefact. */
const parts: Readonly<Record<string, { readonly name: PartName; readonly limit?: number }>> = {
  artefact: { name: artefactName },
  golden: { name: goldenName, limit: 64 * 2 ** 20 },
  'model.yaml': { name: yamlName, limit: 64 * 2 ** 10 },
};

/**
 * Writes an upload to a draft as it arrives: the artefact alone, or a form (`multipart/form-data`) with the parts
 * `artefact`, `golden` and `model.yaml`. Nothing is left behind where it fails.
 *
 * Errors: `artefact-too-large`, `digest-differs`, `request-malformed`, `body-media-type`, `storage-full`.
 */
export async function receiveUpload(store: ArtefactStore, { headers, stream, limit }: Upload): Promise<Draft> {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    const type = `Content-Encoding ${String(encoding).slice(0, 40)}`;
    throw new VitrinaError('body-media-type', { type, expected: 'the bytes of the file as they are' });
  }
  const boundary = boundaryOf(String(headers['content-type'] ?? ''));
  const slack = boundary === undefined ? 0 : 2 ** 27;
  if (Number(headers['content-length']) > limit + slack) throw new VitrinaError('artefact-too-large', { limit });
  const digests = new UploadDigests(headers);
  const passed = digests.pass(stream);
  const folder = store.begin();
  try {
    const sha256 =
      boundary === undefined
        ? await store.write(folder, artefactName, demandBytes(passed), limit)
        : await receiveForm(store, folder, readMultipart(passed, boundary), limit);
    digests.check();
    checkSha256(headers, sha256);
    return { folder, sha256 };
  } catch (error) {
    store.discard(folder);
    throw error;
  }
}

async function receiveForm(
  store: ArtefactStore,
  folder: string,
  form: ReturnType<typeof readMultipart>,
  limit: number,
): Promise<string> {
  const received = new Map<string, string>();
  for await (const { name, body } of form) {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (part === undefined) {
      throw malformed(`The form has a part "${name.slice(0, 60)}"; its parts are ${Object.keys(parts).join(', ')}`);
    }
    if (received.has(name)) throw malformed(`The form has the part "${name}" twice`);
    const bytes = name === 'artefact' ? demandBytes(body) : body;
    received.set(name, await store.write(folder, part.name, bytes, part.limit ?? limit));
  }
  const sha256 = received.get('artefact');
  if (sha256 === undefined) throw malformed('The form has no part "artefact"');
  return sha256;
}

async function* demandBytes(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let empty = true;
  for await (const chunk of stream) {
    if (chunk.length > 0) empty = false;
    yield chunk;
  }
  if (empty) throw malformed('The artefact is empty; send the bytes of the file');
}

function malformed(problem: string): VitrinaError {
  return new VitrinaError('request-malformed', { problem });
}

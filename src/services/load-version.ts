import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ArtefactPart, PartOrder } from '../convert/index.js';
import {
  chooseBatchRows,
  choosePlacement,
  isBatchable,
  openSession,
  type Session,
  timeSession,
} from '../runtime/index.js';
import type { Conversion } from '../signature.js';
import { Batcher } from './batcher.js';
import { type ConversionCache, sha256Of } from './conversion-cache.js';
import type { Converter } from './converter.js';
import { replayGolden } from './golden.js';
import type { ReadyVersion } from './ready-version.js';
import { type FoundVersion, findCompanion, openArtefact, readArtefact } from './repository-scan.js';

/** A graph beyond this many bytes is timed in a worker, so that loading it does not stop the event loop. */
const inlineGraphBytes = 32 * 2 ** 20;

/** From the file to a version that answers: convert (or recall), load, time, place, replay the golden file. */
export async function loadVersion(
  found: FoundVersion,
  artefact: string,
  cache: ConversionCache | undefined,
  converter: Converter,
  maxQueueRows: number,
): Promise<ReadyVersion> {
  const { model, version, yaml } = found;
  const parts = readParts(found, artefact);
  const order = found.parts?.order ?? 'given';
  const { sha256, key } = digestOf(parts, order);
  let conversion = cache?.read(key);
  if (conversion === undefined) {
    conversion = await converter.convert(parts, order);
    cache?.write(key, conversion);
  }
  const { signature, provenance, guards = [] } = conversion;
  const { session, timing } = await place(conversion, yaml.placement ?? 'auto');
  try {
    const golden = await replayGolden(found, signature, session, guards);
    const maxBatchRows = yaml.batching?.maxBatchRows ?? chooseBatchRows(timing, session.placement);
    const maxDelayMs = yaml.batching?.maxDelayMs ?? 0;
    const batchable = isBatchable(signature);
    const batcher = new Batcher(session, signature, { model, maxBatchRows, maxDelayMs, maxQueueRows, batchable });
    return Object.freeze({
      model,
      version,
      signature,
      guards,
      provenance,
      description: yaml.description,
      labels: yaml.labels,
      sha256,
      artefact,
      created: statSync(artefact).mtime.toISOString(),
      placement: session.placement,
      timing,
      maxBatchRows,
      maxDelayMs,
      golden: golden === undefined ? 'none' : 'passed',
      example: golden?.firstRow,
      batcher,
      companion: (name: string) => findCompanion(found.folders, name),
      close: () => session.close(),
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** The bytes of the artefact, or of all that are one model with it. */
function readParts({ member, called, parts }: FoundVersion, artefact: string): ArtefactPart[] {
  if (parts === undefined) return [{ bytes: readArtefact(artefact), file: called ?? artefact, member }];
  return parts.files.map(openArtefact);
}

/** `sha256` of what is served; `key` tells conversions apart: two members of one file, two orders of the same files. */
function digestOf(parts: readonly ArtefactPart[], order: PartOrder): { sha256: string; key: string } {
  const digests = parts.map(({ bytes }) => sha256Of(bytes));
  const [only] = digests;
  const member = parts[0]?.member;
  if (digests.length === 1) {
    return { sha256: only!, key: member === undefined ? only! : sha256Of(Buffer.from(`${only}#${member}`)) };
  }
  const sha256 = sha256Of(Buffer.from(digests.join()));
  // The names of the files are in the notes of what was found, and thereby in the conversion.
  const names = parts.map((part) => `${basename(part.file)}#${part.member ?? ''}`);
  return { sha256, key: sha256Of(Buffer.from([order, ...digests, ...names].join('\n'))) };
}

/** Opens the session where the owner wants it, or where its time says that it belongs. */
async function place({ graph, signature, featurizers = [] }: Conversion, wanted: 'auto' | 'inline' | 'worker') {
  const first = wanted === 'auto' ? (graph.length > inlineGraphBytes ? 'worker' : 'inline') : wanted;
  let session: Session = await openSession(graph, first, { featurizers });
  const timing = await timeSession(session, signature);
  const placement = wanted === 'auto' ? choosePlacement(timing) : wanted;
  if (placement !== session.placement && graph.length <= inlineGraphBytes) {
    await session.close();
    session = await openSession(graph, placement, { featurizers });
  }
  return { session, timing };
}

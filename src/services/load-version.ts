import { statSync } from 'node:fs';
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
import { type FoundVersion, findCompanion, readArtefact } from './repository-scan.js';

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
  const bytes = readArtefact(artefact);
  const sha256 = sha256Of(bytes);
  const conversion =
    cache?.read(keyOf(sha256, found.member)) ??
    (await convertAndKeep(bytes, sha256, found, artefact, cache, converter));
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

async function convertAndKeep(
  bytes: Uint8Array,
  sha256: string,
  { member, called }: FoundVersion,
  file: string,
  cache: ConversionCache | undefined,
  converter: Converter,
): Promise<Conversion> {
  const conversion = await converter.convert(bytes, called ?? file, member);
  cache?.write(keyOf(sha256, member), conversion);
  return conversion;
}

/** Two members of one file are two conversions. */
function keyOf(sha256: string, member: string | undefined): string {
  return member === undefined ? sha256 : sha256Of(Buffer.from(`${sha256}#${member}`));
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

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ArtefactPart, PartOrder } from '../convert/index.js';
import { VitrinaError } from '../errors.js';
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
/** Milliseconds that an uploaded graph gets to load, the start of its thread included. */
const openingMs = 60_000;

export interface LoadLimits {
  readonly maxQueueRows: number;
  /** Milliseconds that an uploaded graph gets to answer zeros, several times over. */
  readonly trialMs: number;
}

/** From the file to a version that answers: convert (or recall), load, time, place, replay the golden file. */
export async function loadVersion(
  found: FoundVersion,
  artefact: string,
  cache: ConversionCache | undefined,
  converter: Converter,
  { maxQueueRows, trialMs }: LoadLimits,
): Promise<ReadyVersion> {
  const { model, version, yaml } = found;
  const began = performance.now();
  const parts = readParts(found, artefact);
  const order = found.parts?.order ?? 'given';
  const { sha256, key } = digestOf(parts, order);
  let conversion = cache?.read(key);
  let conversionMs = 0;
  if (conversion === undefined) {
    const converting = performance.now();
    conversion = await converter.convert(parts, order);
    conversionMs = performance.now() - converting;
    cache?.write(key, conversion);
  }
  const { signature, provenance, guards = [] } = conversion;
  const { session, timing } = await place(
    conversion,
    yaml.placement ?? 'auto',
    found.uploaded === true ? trialMs : undefined,
  );
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
      loading: { totalMs: performance.now() - began, conversionMs },
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
function readParts({ member, uploaded, parts }: FoundVersion, artefact: string): ArtefactPart[] {
  if (parts === undefined)
    return [{ bytes: readArtefact(artefact), file: uploaded ? 'The artefact' : artefact, member }];
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

/**
 * Opens the session where the owner wants it, or where its time says that it belongs. A graph that somebody uploaded
 * first loads and answers in a thread, within deadlines: one that never ends must not take the server along.
 */
async function place(
  { graph, signature, featurizers = [] }: Conversion,
  wanted: 'auto' | 'inline' | 'worker',
  trialMs: number | undefined,
) {
  const large = graph.length > inlineGraphBytes;
  const first = wanted === 'auto' ? (large || trialMs !== undefined ? 'worker' : 'inline') : wanted;
  const opening = openSession(graph, first, { featurizers });
  let session: Session = await (trialMs === undefined ? opening : inTime(opening, openingMs, () => opening));
  const timed = timeSession(session, signature);
  const timing = await (trialMs === undefined ? timed : inTime(timed, trialMs, () => session));
  const placement = wanted === 'auto' ? choosePlacement(timing) : wanted;
  if (placement !== session.placement && !large) {
    await session.close();
    session = await openSession(graph, placement, { featurizers });
  }
  return { session, timing };
}

/**
 * What `work` gives, unless it takes longer than `ms`: then the session is closed, which its thread notices when the
 * graph lets it. Errors: `runtime-refused-graph`.
 */
async function inTime<T>(work: Promise<T>, ms: number, sessionOf: () => Session | Promise<Session>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      void Promise.resolve(sessionOf()).then(
        (session) => session.close(),
        () => undefined,
      );
      const reason = `it had no answer after ${ms / 1000} s`;
      reject(new VitrinaError('runtime-refused-graph', { reason }));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

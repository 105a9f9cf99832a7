import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ArtefactPart, PartOrder } from '../../convert/index.js';
import {
  addSideThread,
  chooseBatchRows,
  choosePlacement,
  isBatchable,
  isWorthThread,
  mostElements,
  openProcessSession,
  openSession,
  type Placement,
  type Session,
  type Timing,
  timeSession,
} from '../../runtime/index.js';
import type { Conversion, Signature } from '../../signature.js';
import { Batcher } from '../batching/batcher.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { type FoundVersion, findCompanion, openArtefact, readArtefact } from '../repository/repository-scan.js';
import { type ConversionCache, sha256Of } from './conversion-cache.js';
import type { Converter } from './converter.js';
import { replayGolden } from './golden.js';

/** A graph beyond this many bytes is timed in a worker, so that loading it does not stop the event loop. */
const inlineGraphBytes = 32 * 2 ** 20;
/** Milliseconds that a graph which is not on trial gets to be timed in its process. */
const timingMs = 30_000;
/** A graph beyond this many bytes is not held twice. */
const twiceHeldBytes = 8 * 2 ** 20;

export interface LoadOptions {
  readonly cache: ConversionCache | undefined;
  readonly converter: Converter;
  readonly maxQueueRows: number;
  /** Milliseconds that a request may be expected to wait for its batch; without it, only rows are limited. */
  readonly maxWaitMs?: number | undefined;
  /** Milliseconds that a graph on trial gets to answer zeros, several times over. */
  readonly trialMs: number;
  /** Whether the machine has a core for a thread beside the event loop. */
  readonly threads?: boolean | undefined;
  /** What the same graph cost when it was loaded before. */
  readonly timing?: Timing | undefined;
  /** Settings and golden file that the version takes over from another, once its signature is known. */
  readonly inherit?: ((signature: Signature) => FoundVersion) | undefined;
}

/** From the file to a version that answers: convert (or recall), load, time, place, replay the golden file. */
export async function loadVersion(
  given: FoundVersion,
  artefact: string,
  { cache, converter, maxQueueRows, maxWaitMs, trialMs, threads = false, timing: known, inherit }: LoadOptions,
): Promise<ReadyVersion> {
  const { model, version } = given;
  const began = performance.now();
  const parts = readParts(given, artefact);
  const order = given.parts?.order ?? 'given';
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
  const found = inherit?.(signature) ?? given;
  const { yaml } = found;
  const wanted = yaml.placement ?? 'auto';
  const placed = await place(conversion, wanted, { trialMs: found.trial === true ? trialMs : undefined, known });
  const { timing } = placed;
  const session = wanted === 'auto' ? assist(placed.session, conversion, timing, threads) : placed.session;
  try {
    const golden = await replayGolden(found, signature, session, guards);
    const maxBatchRows = yaml.batching?.maxBatchRows ?? chooseBatchRows(timing, session.placement);
    const maxDelayMs = yaml.batching?.maxDelayMs ?? 0;
    const batchable = isBatchable(signature);
    const limits = { maxBatchRows, maxDelayMs, maxQueueRows, maxWaitMs };
    const batcher = new Batcher(session, signature, { model, ...limits, batchable, timing });
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
      graphBytes: conversion.graph.length,
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
 * Opens the session where the owner wants it, or where its operators or its time say that it belongs. A graph that
 * somebody uploaded first loads and answers in a process, within deadlines: one that crashes, or never ends, must not
 * take the server along.
 */
async function place(
  { graph, signature, hazard, featurizers = [] }: Conversion,
  wanted: Placement | 'auto',
  { trialMs, known }: { readonly trialMs: number | undefined; readonly known: Timing | undefined },
): Promise<{ session: Session; timing: Timing | undefined }> {
  const large = graph.length > inlineGraphBytes;
  const open = (placement: Placement) => openSession(graph, placement, { featurizers });
  const choose = (timing: Timing | undefined): Placement =>
    wanted !== 'auto' ? wanted : hazard !== undefined ? 'process' : large ? 'worker' : choosePlacement(timing);
  if (trialMs === undefined && known !== undefined) return { session: await open(choose(known)), timing: known };
  const isolated = choose(undefined) === 'process';
  if (trialMs !== undefined || isolated) {
    const session = await openProcessSession(graph, { featurizers });
    const timing = await session.time(signature, trialMs ?? timingMs).catch(async (error: unknown) => {
      if (trialMs === undefined) return undefined;
      await session.close();
      throw error;
    });
    if (isolated) return { session, timing };
    await session.close();
    return { session: await open(choose(timing)), timing };
  }
  const first = wanted !== 'auto' ? wanted : large ? 'worker' : 'inline';
  const session = await open(first);
  const timing = await timeSession(session, signature);
  const placement = choose(timing);
  if (placement === first) return { session, timing };
  await session.close();
  return { session: await open(placement), timing };
}

/**
 * A thread beside a session on the event loop, where the largest batches are worth it, and where requests choose a size
 * beside the batch, and so how long the graph computes.
 */
function assist(
  session: Session,
  { graph, signature, featurizers = [] }: Conversion,
  timing: Timing | undefined,
  threads: boolean,
): Session {
  if (session.placement !== 'inline') return session;
  const longest = timing?.curve?.at(-1)?.ms ?? timing?.batchMs ?? 0;
  const aside = threads && graph.length <= twiceHeldBytes && isWorthThread(longest);
  const most = mostElements(timing, signature);
  if (!aside && most === undefined) return session;
  return addSideThread(session, graph, { featurizers }, { aside, most });
}

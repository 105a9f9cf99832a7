/** Predicts a table while it is read: chunk by chunk, a few at a time, answered in their order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VitrinaError } from '../../errors.js';
import type { Caller } from '../batching/batcher.js';
import { ConnectedCaller } from '../predictions/connected-caller.js';
import type { Prediction, PredictionRequest } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { type RowChunk, relocate } from './row-chunk.js';

/** Chunks of one body that compute or wait to: one computes while the next is read. */
const window = 2;
/** How long a body that has been begun waits for a queue to shorten, in steps. */
const patienceMs = 30_000;
const stepMs = 50;

export interface TableRequest {
  readonly model: string;
  readonly version?: string | undefined;
  /** The version by whose signature the chunks are read. */
  readonly ready: ReadyVersion;
  readonly caller?: Caller;
  readonly id?: string;
}

/**
 * The predictions of `chunks`, in order. All are of one version.
 *
 * Only the first chunk has the urgency of its caller: the others give way to requests of their own size. A full queue
 * refuses the first; the others wait for it.
 *
 * Errors: those of the chunks and of `predict`, with the numbers and lines of rows as the body has them;
 * `version-replaced`.
 */
export async function* predictTable(
  chunks: AsyncIterable<RowChunk>,
  request: TableRequest,
  predict: (request: PredictionRequest) => Promise<Prediction>,
): AsyncGenerator<Prediction> {
  const iterator = chunks[Symbol.asyncIterator]();
  const running: Promise<Prediction>[] = [];
  let answering: ReadyVersion | undefined;
  let next: Promise<IteratorResult<RowChunk>> | undefined = keep(iterator.next());
  let begun = false;
  try {
    while (next !== undefined || running.length > 0) {
      const head = running[0];
      const mayRead: Promise<IteratorResult<RowChunk>> | undefined = running.length < window ? next : undefined;
      const turn =
        head === undefined
          ? 'chunk'
          : mayRead === undefined
            ? 'answer'
            : await Promise.race([head.then(() => 'answer' as const), mayRead.then(() => 'chunk' as const)]);
      if (turn === 'answer') {
        const prediction = await running.shift()!;
        answering ??= prediction.version;
        if (answering !== prediction.version) {
          throw new VitrinaError('version-replaced', { model: request.model, version: answering.version });
        }
        yield prediction;
        continue;
      }
      const { done, value } = await next!;
      if (done === true) {
        next = undefined;
        continue;
      }
      running.push(keep(predictChunk(value, answering ?? request.ready, request, begun, predict)));
      begun = true;
      next = keep(iterator.next());
    }
  } finally {
    // Not awaited: it may stand where the body does not go on.
    iterator.return?.()?.then(undefined, () => undefined);
  }
}

async function predictChunk(
  chunk: RowChunk,
  ready: ReadyVersion,
  { model, version, caller, id }: TableRequest,
  later: boolean,
  predict: (request: PredictionRequest) => Promise<Prediction>,
): Promise<Prediction> {
  const request: PredictionRequest = {
    model,
    ready,
    inputs: chunk.inputs,
    ...(version === undefined ? {} : { version }),
    ...(caller === undefined ? {} : { caller }),
    ...(id === undefined ? {} : { id }),
  };
  if (later && caller instanceof ConnectedCaller) caller.priority = 'low';
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await predict(request);
    } catch (error) {
      const full = error instanceof VitrinaError && error.code === 'overloaded';
      if (!full || !later || performance.now() > until || caller?.gone) throw relocate(error, chunk, ready.signature);
      await sleep(stepMs);
    }
  }
}

/** A promise that is awaited later: its failure is no surprise until then. */
function keep<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

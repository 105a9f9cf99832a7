import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../errors.js';
import { type CallerTrace, ConnectedCaller } from '../predictions/connected-caller.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { Sampler } from './sampler.js';
import type { TraceSettings } from './settings.js';
import type { FinishedSpan, SpanAttributes } from './span.js';
import { SpanExporter } from './span-exporter.js';
import { parseTraceparent, printTraceparent, type Traceparent } from './traceparent.js';

/** What begins a trace, at whichever door. Times are of `performance.now()`. */
export interface Arrival {
  readonly name: string;
  readonly startedAt: number;
  readonly tracestate: unknown;
  readonly attributes: SpanAttributes;
}

/** How a request ended. */
export interface Departure {
  readonly at: number;
  readonly attributes: SpanAttributes;
  /** The error that it was answered with, and whether the server is to blame. */
  readonly failure?: { readonly code: ErrorCode; readonly status: number };
  readonly caller?: ConnectedCaller | null;
}

/** A request that is traced. */
export class RequestTrace implements CallerTrace {
  readonly traceId: string;
  readonly spanId = newId(8);

  constructor(
    readonly arrival: Arrival,
    readonly parent: Traceparent | undefined,
  ) {
    this.traceId = parent?.traceId ?? newId(16);
  }

  get traceparent(): string {
    return printTraceparent({ traceId: this.traceId, spanId: this.spanId, sampled: true });
  }
}

/** A batch with requests in it that are traced. */
interface TracedBatch {
  readonly prediction: Prediction;
  readonly settledAt: number;
  readonly requests: { readonly trace: RequestTrace; readonly prediction: Prediction }[];
}

/** Texts of callers (paths, user agents) are cut to this length. */
const longestText = 256;
const longestState = 512;
const mostLinks = 1_024;

/** Begins to trace: what is kept goes to the collector. */
export function openTracing(settings: TraceSettings, warn: (text: string) => void): Tracing {
  return new Tracing(new Sampler(settings), new SpanExporter(settings.url, warn));
}

/**
 * Spans of a request, its way through the queue, and the batch that answered it.
 *
 * What is not kept costs a look at a header or a random number. Spans are made when a request is over, out of the times
 * that are measured anyway; so nothing is carried along, and nothing hangs on asynchronous context.
 */
export class Tracing implements PredictionObserver {
  private readonly batches = new Map<ReadyVersion, TracedBatch>();

  constructor(
    private readonly sampler: Sampler,
    private readonly exporter: Pick<SpanExporter, 'add' | 'close'>,
  ) {}

  /** The trace of a request; `null` when it is not one of those that are kept. `arrive` is asked only for those. */
  begin(traceparent: unknown, arrive: () => Arrival): RequestTrace | null {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    return this.sampler.keeps(parent) ? new RequestTrace(arrive(), parent) : null;
  }

  /** A part of the request that lies between two times. */
  part(trace: RequestTrace, name: string, from: number, to: number): void {
    this.add(child(trace, name, from, to));
  }

  end(trace: RequestTrace, { at, attributes, failure, caller }: Departure): void {
    const { arrival, parent, traceId, spanId } = trace;
    const { tracestate: state } = arrival;
    const version = caller?.prediction?.version;
    const kept = typeof state === 'string' && state !== '' && state.length <= longestState;
    this.add({
      name: arrival.name,
      kind: 'server',
      traceId,
      spanId,
      ...(parent === undefined ? {} : { parent: { spanId: parent.spanId, isRemote: true } }),
      ...(parent !== undefined && kept ? { state } : {}),
      startMs: epoch(arrival.startedAt),
      endMs: epoch(at),
      attributes: {
        ...arrival.attributes,
        ...attributes,
        ...(version === undefined
          ? {}
          : { 'vitrina.model': version.model, 'vitrina.version': version.version, 'vitrina.rows': caller!.rows }),
        ...(failure === undefined ? {} : { 'error.type': failure.code }),
      },
      // The caller's mistakes are no errors of the server's span, by the conventions for HTTP.
      failed: failure !== undefined && failure.status >= 500,
    });
  }

  answered({ caller }: PredictionRequest, prediction: Prediction): void {
    if (!(caller instanceof ConnectedCaller) || !(caller.trace instanceof RequestTrace)) return;
    const { version, report } = prediction;
    const known = this.batches.get(version);
    const request = { trace: caller.trace, prediction };
    if (known !== undefined && known.prediction.report.startedAt === report.startedAt) {
      known.requests.push(request);
      return;
    }
    if (known !== undefined) this.writeBatch(known);
    // The requests of a batch are answered in one turn of the event loop; after it the batch is complete.
    if (this.batches.size === 0) setImmediate(() => this.writeBatches());
    this.batches.set(version, { prediction, settledAt: performance.now(), requests: [request] });
  }

  /** Hands over what waits. Never fails: a collector that is gone is not the server's fault. */
  async close(): Promise<void> {
    this.writeBatches();
    await this.exporter.close();
  }

  private writeBatches(): void {
    for (const batch of this.batches.values()) this.writeBatch(batch);
    this.batches.clear();
  }

  /**
   * The batch lies in the trace of its first request and is linked with all that are traced; from the queue of each a
   * link leads to it.
   */
  private writeBatch({ prediction, settledAt, requests }: TracedBatch): void {
    const { version, report } = prediction;
    const { startedAt, runMs, batchRows, closedBy } = report;
    const batch = {
      ...child(requests[0]!.trace, 'batch', startedAt, Math.max(settledAt, startedAt + runMs)),
      attributes: {
        'vitrina.model': version.model,
        'vitrina.version': version.version,
        'vitrina.batch.rows': batchRows,
        'vitrina.batch.closed_by': closedBy,
      },
      links: requests.slice(0, mostLinks).map(({ trace: { traceId, spanId } }) => ({ traceId, spanId })),
    };
    this.add(batch);
    const run = child(batch, 'session run', startedAt, startedAt + runMs);
    this.add({ ...run, attributes: { 'vitrina.placement': version.placement } });
    const { traceId, spanId } = batch;
    for (const { trace, prediction: own } of requests) {
      const wait = child(trace, 'queue wait', startedAt - own.report.waitMs, startedAt);
      this.add({ ...wait, links: [{ traceId, spanId }] });
    }
  }

  private add({ name, attributes, ...span }: FinishedSpan): void {
    const cut = Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [
        key,
        typeof value === 'string' ? value.slice(0, longestText) : value,
      ]),
    );
    this.exporter.add({ name: name.slice(0, longestText), attributes: cut, ...span });
  }
}

function child(
  { traceId, spanId }: Pick<FinishedSpan, 'traceId' | 'spanId'>,
  name: string,
  from: number,
  to: number,
): FinishedSpan {
  const parent = { spanId, isRemote: false };
  const times = { startMs: epoch(from), endMs: epoch(to) };
  return { name, kind: 'internal', traceId, spanId: newId(8), parent, ...times, attributes: {} };
}

const newId = (bytes: number): string => randomBytes(bytes).toString('hex');

/** From `performance.now()` to milliseconds since 1970. */
const epoch = (at: number): number => performance.timeOrigin + at;

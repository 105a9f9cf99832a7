import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../errors.js';
import { type CallerTrace, ConnectedCaller } from '../predictions/connected-caller.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { Sampler } from './sampler.js';
import type { TraceSettings } from './settings.js';
import type { RequestRecord, SpanAttributes } from './span.js';
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
  readonly spanId: string;
  readonly parts: RequestRecord['parts'][number][] = [];

  constructor(
    readonly arrival: Arrival,
    readonly parent: Traceparent | undefined,
  ) {
    const ids = randomBytes(24).toString('hex');
    this.spanId = ids.slice(0, 16);
    this.traceId = parent?.traceId ?? ids.slice(16);
  }

  get traceparent(): string {
    return printTraceparent({ traceId: this.traceId, spanId: this.spanId, sampled: true });
  }

  /** A part of the request that lies between two times. */
  part(name: string, from: number, to: number): void {
    this.parts.push([name, epoch(from), epoch(to)]);
  }
}

/** A batch with requests in it that are traced. */
interface TracedBatch {
  readonly prediction: Prediction;
  readonly settledAt: number;
  readonly requests: (readonly [traceId: string, spanId: string, waitMs: number])[];
}

const longestState = 512;

/** Begins to trace: what is kept goes to the collector. */
export function openTracing(settings: TraceSettings, warn: (text: string) => void): Tracing {
  return new Tracing(new Sampler(settings), new SpanExporter(settings.url, warn));
}

/**
 * Spans of a request, its way through the queue, and the batch that answered it.
 *
 * What is not kept costs a look at a header or a random number. What is kept leaves this thread as a record of times that
 * are measured anyway: spans are made of it where they are exported; nothing hangs on asynchronous context.
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

  end(trace: RequestTrace, { at, attributes, failure, caller }: Departure): void {
    const { arrival, parent, traceId, spanId, parts } = trace;
    const { tracestate: state } = arrival;
    const version = caller?.prediction?.version;
    const kept = parent !== undefined && typeof state === 'string' && state !== '' && state.length <= longestState;
    this.exporter.add({
      name: arrival.name,
      traceId,
      spanId,
      parentId: parent?.spanId,
      state: kept ? state : undefined,
      startMs: epoch(arrival.startedAt),
      endMs: epoch(at),
      attributes: [
        arrival.attributes,
        {
          ...attributes,
          ...(version === undefined
            ? {}
            : { 'vitrina.model': version.model, 'vitrina.version': version.version, 'vitrina.rows': caller!.rows }),
          ...(failure === undefined ? {} : { 'error.type': failure.code }),
        },
      ],
      parts,
      // The caller's mistakes are no errors of the server's span, by the conventions for HTTP.
      failed: failure !== undefined && failure.status >= 500,
    });
  }

  answered({ caller }: PredictionRequest, prediction: Prediction): void {
    if (!(caller instanceof ConnectedCaller) || !(caller.trace instanceof RequestTrace)) return;
    const { version, report } = prediction;
    const known = this.batches.get(version);
    const request = [caller.trace.traceId, caller.trace.spanId, report.waitMs] as const;
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

  private writeBatch({ prediction, settledAt, requests }: TracedBatch): void {
    const { version, report } = prediction;
    const { startedAt, runMs, batchRows, closedBy } = report;
    this.exporter.add({
      model: version.model,
      version: version.version,
      placement: version.placement,
      batchRows,
      closedBy,
      startMs: epoch(startedAt),
      endMs: epoch(Math.max(settledAt, startedAt + runMs)),
      runMs,
      requests,
    });
  }
}

/** From `performance.now()` to milliseconds since 1970. */
const epoch = (at: number): number => performance.timeOrigin + at;

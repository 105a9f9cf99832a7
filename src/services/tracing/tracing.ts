import type { ErrorCode } from '../../errors.js';
import { version as serverVersion } from '../../version.js';
import { type CallerTrace, ConnectedCaller } from '../predictions/connected-caller.js';
import type { Prediction, PredictionObserver, PredictionRequest } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import type { Attributes, Context, Link, Span, Tracer, TraceState } from './opentelemetry.js';
import { Sampler } from './sampler.js';
import type { Environment, TraceSettings } from './settings.js';
import { parseTraceparent, printTraceparent } from './traceparent.js';

/** What begins a trace, at whichever door. Times are of `performance.now()`. */
export interface Arrival {
  readonly name: string;
  readonly startedAt: number;
  readonly traceparent: unknown;
  readonly tracestate: unknown;
  readonly attributes: Attributes;
}

/** How a request ended. */
export interface Departure {
  readonly at: number;
  readonly attributes: Attributes;
  /** The error that it was answered with, and whether the server is to blame. */
  readonly failure?: { readonly code: ErrorCode; readonly status: number };
  readonly caller?: ConnectedCaller | null;
}

/** A request that is traced. */
export class RequestTrace implements CallerTrace {
  constructor(
    readonly span: Span,
    /** The one that spans within the request are started in. */
    readonly context: Context,
  ) {}

  get traceId(): string {
    return this.span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId } = this.span.spanContext();
    return printTraceparent({ traceId, spanId, sampled: true });
  }
}

/** A batch with requests in it that are traced. */
interface TracedBatch {
  readonly prediction: Prediction;
  readonly settledAt: number;
  readonly requests: { readonly trace: RequestTrace; readonly prediction: Prediction }[];
}

/** Spans wait for their export at most so long when the server stops. */
const flushMs = 3_000;
/** Texts of callers (paths, user agents) are cut to this length. */
const longestText = 256;
const mostLinks = 1_024;

type OpenTelemetry = typeof import('./opentelemetry.js');

/** Loads OpenTelemetry and starts to export; what is not traced never loads it. */
export async function openTracing(settings: TraceSettings, warn: (text: string) => void): Promise<Tracing> {
  const otel = await import('./opentelemetry.js');
  const { url, env } = settings;
  tellFaults(otel, warn);
  const provider = new otel.TracerProvider({
    resource: otel
      .resourceFromAttributes({ 'service.name': 'vitrina', 'service.version': serverVersion })
      .merge(otel.detectResources({ detectors: [otel.envDetector, otel.serviceInstanceIdDetector] })),
    sampler: new otel.AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: longestText, linkCountLimit: mostLinks },
    // Bounded: when the collector is slow or gone, spans are dropped and requests go on.
    spanProcessors: [
      new otel.BatchSpanProcessor({ exporter: new otel.OTLPTraceExporter({ url }), ...queueLimits(env) }),
    ],
  });
  const tracer = provider.getTracer('vitrina', serverVersion);
  return new Tracing(new Sampler(settings), otel, tracer, () => provider.shutdown());
}

/**
 * Spans of a request, its way through the queue, and the batch that answered it.
 *
 * What is not kept costs a look at a header or a random number. Spans inside a request are made when it is over, out of
 * the times that are measured anyway; so nothing is carried along, and nothing hangs on asynchronous context.
 */
export class Tracing implements PredictionObserver {
  private readonly batches = new Map<ReadyVersion, TracedBatch>();

  constructor(
    private readonly sampler: Sampler,
    private readonly otel: OpenTelemetry,
    private readonly tracer: Tracer,
    private readonly shutdown: () => Promise<void>,
  ) {}

  /** The trace of a request; `null` when it is not one of those that are kept. */
  begin({ name, startedAt, traceparent, tracestate, attributes }: Arrival): RequestTrace | null {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    if (!this.sampler.keeps(parent)) return null;
    const { trace, ROOT_CONTEXT, SpanKind } = this.otel;
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.sampled ? 1 : 0,
            isRemote: true,
            ...this.stateOf(tracestate),
          });
    const span = this.tracer.startSpan(
      name.slice(0, longestText),
      { kind: SpanKind.SERVER, startTime: epoch(startedAt), attributes },
      context,
    );
    return new RequestTrace(span, trace.setSpan(context, span));
  }

  /** A part of the request that lies between two times. */
  part({ context }: RequestTrace, name: string, from: number, to: number): void {
    this.tracer.startSpan(name, { startTime: epoch(from) }, context).end(epoch(to));
  }

  end({ span }: RequestTrace, { at, attributes, failure, caller }: Departure): void {
    span.setAttributes(attributes);
    if (caller?.prediction !== undefined) {
      const { model, version } = caller.prediction.version;
      span.setAttributes({ 'vitrina.model': model, 'vitrina.version': version, 'vitrina.rows': caller.rows });
    }
    if (failure !== undefined) {
      span.setAttribute('error.type', failure.code);
      // The caller's mistakes are no errors of the server's span, by the conventions for HTTP.
      if (failure.status >= 500) span.setStatus({ code: this.otel.SpanStatusCode.ERROR });
    }
    span.end(epoch(at));
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, flushMs);
    });
    await Promise.race([this.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
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
    const linkTo = (span: Span): Link => ({ context: span.spanContext() });
    const attributes = {
      'vitrina.model': version.model,
      'vitrina.version': version.version,
      'vitrina.batch.rows': batchRows,
      'vitrina.batch.closed_by': closedBy,
    };
    const links = requests.map(({ trace }) => linkTo(trace.span));
    const first = requests[0]!.trace;
    const batch = this.tracer.startSpan('batch', { startTime: epoch(startedAt), attributes, links }, first.context);
    const run = this.tracer.startSpan(
      'session run',
      { startTime: epoch(startedAt), attributes: { 'vitrina.placement': version.placement } },
      this.otel.trace.setSpan(first.context, batch),
    );
    run.end(epoch(startedAt + runMs));
    batch.end(epoch(Math.max(settledAt, startedAt + runMs)));
    for (const { trace, prediction: own } of requests) {
      const queued = epoch(startedAt - own.report.waitMs);
      const wait = this.tracer.startSpan('queue wait', { startTime: queued, links: [linkTo(batch)] }, trace.context);
      wait.end(epoch(startedAt));
    }
  }

  private stateOf(header: unknown): { traceState?: TraceState } {
    if (typeof header !== 'string' || header === '' || header.length > 512) return {};
    return { traceState: this.otel.createTraceState(header) };
  }
}

/** From `performance.now()` to milliseconds since 1970. */
const epoch = (at: number) => performance.timeOrigin + at;

/** A queue of spans as the variables `OTEL_BSP_…` have it. */
function queueLimits(env: Environment) {
  const limits = {
    scheduledDelayMillis: env.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMillis: env.OTEL_BSP_EXPORT_TIMEOUT,
    maxQueueSize: env.OTEL_BSP_MAX_QUEUE_SIZE,
    maxExportBatchSize: env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
  };
  const given = Object.entries(limits).flatMap(([name, text]) => {
    const value = Number(text ?? 0);
    return Number.isSafeInteger(value) && value > 0 ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** One line a minute at most: a collector that is gone says so with every export. */
function tellFaults({ diag, DiagLogLevel }: OpenTelemetry, warn: (text: string) => void): void {
  let last = Number.NEGATIVE_INFINITY;
  const tell = (text: string) => {
    if (performance.now() - last < 60_000) return;
    last = performance.now();
    warn(`Traces are not exported: ${text.slice(0, 500)}`);
  };
  const ignore = () => undefined;
  const logger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

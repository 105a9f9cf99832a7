/** The inside of the thread that hands spans over to the collector. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  createTraceState,
  DiagLogLevel,
  diag,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ExportOptions, FinishedSpan, FromExport, SpanLink, ToExport } from './span.js';
import { spansOf } from './spans-of.js';

const { url, serverVersion } = workerData as ExportOptions;
const port = parentPort!;
const say = (message: FromExport) => port.postMessage(message);

const ignore = () => undefined;
const tell = (warning: string) => say({ warning });
diag.setLogger(
  { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
  { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
);

const resource = resourceFromAttributes({ 'service.name': 'vitrina', 'service.version': serverVersion }).merge(
  detectResources({ detectors: [envDetector, serviceInstanceIdDetector] }),
);
const instrumentationScope = { name: 'vitrina', version: serverVersion };
// Bounded: when the collector is slow or gone, spans are dropped. The variables OTEL_BSP_… set its limits.
const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }), ...queueLimits() });

port.on('message', async (message: ToExport) => {
  if (message === 'close') {
    await processor.shutdown().catch(ignore);
    port.close();
    return;
  }
  for (const record of message) for (const span of spansOf(record)) processor.onEnd(readable(span));
  say({ taken: message.length });
});
say({ taken: 0 });

/** What the SDK would have made of the span. */
function readable(span: FinishedSpan): ReadableSpan {
  const { name, parent, startMs, endMs, attributes, links = [] } = span;
  const context = {
    ...contextOf(span),
    ...(span.state === undefined ? {} : { traceState: createTraceState(span.state) }),
  };
  return {
    name,
    kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parent === undefined
      ? {}
      : { parentSpanContext: { ...contextOf({ ...span, ...parent }), isRemote: parent.isRemote } }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: { code: span.failed === true ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    links: links.map((link) => ({ context: contextOf(link) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId }: SpanLink): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** Milliseconds as seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function queueLimits() {
  const { env } = process;
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

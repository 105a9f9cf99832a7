import { randomBytes } from 'node:crypto';
import type { BatchRecord, FinishedSpan, RequestRecord, SpanAttributes, TraceRecord } from './span.js';

/** Texts of callers (paths, user agents) are cut to this length. */
const longestText = 256;
const mostLinks = 1_024;

/** The spans of a request, or of a batch and the waits of its requests. */
export function spansOf(record: TraceRecord): FinishedSpan[] {
  return 'requests' in record ? spansOfBatch(record) : spansOfRequest(record);
}

function spansOfRequest(record: RequestRecord): FinishedSpan[] {
  const { name, traceId, spanId, parentId, state, startMs, endMs, attributes, parts, failed } = record;
  const request: FinishedSpan = {
    name: name.slice(0, longestText),
    kind: 'server',
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parent: { spanId: parentId, isRemote: true } }),
    ...(state === undefined ? {} : { state }),
    startMs,
    endMs,
    attributes: cut({ ...attributes[0], ...attributes[1] }),
    failed,
  };
  return [...parts.map(([part, from, to]) => child(request, part, from, to)), request];
}

/**
 * The batch lies in the trace of its first request and is linked with all that are traced; from the queue of each a
 * link leads to it.
 */
function spansOfBatch(record: BatchRecord): FinishedSpan[] {
  const { model, version, placement, batchRows, closedBy, startMs, endMs, runMs, requests } = record;
  const [traceId, spanId] = requests[0]!;
  const batch: FinishedSpan = {
    ...child({ traceId, spanId }, 'batch', startMs, endMs),
    attributes: cut({
      'vitrina.model': model,
      'vitrina.version': version,
      'vitrina.batch.rows': batchRows,
      'vitrina.batch.closed_by': closedBy,
    }),
    links: requests.slice(0, mostLinks).map(([trace, span]) => ({ traceId: trace, spanId: span })),
  };
  const run = {
    ...child(batch, 'session run', startMs, startMs + runMs),
    attributes: { 'vitrina.placement': placement },
  };
  const links = [{ traceId: batch.traceId, spanId: batch.spanId }];
  const waits = requests.map(([trace, span, waitMs]) => ({
    ...child({ traceId: trace, spanId: span }, 'queue wait', startMs - waitMs, startMs),
    links,
  }));
  return [batch, run, ...waits];
}

function child(
  { traceId, spanId }: Pick<FinishedSpan, 'traceId' | 'spanId'>,
  name: string,
  startMs: number,
  endMs: number,
): FinishedSpan {
  const parent = { spanId, isRemote: false };
  return { name, kind: 'internal', traceId, spanId: newSpanId(), parent, startMs, endMs, attributes: {} };
}

function cut(attributes: SpanAttributes): SpanAttributes {
  const short = (value: string | number | boolean) => (typeof value === 'string' ? value.slice(0, longestText) : value);
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, short(value)]));
}

const newSpanId = (): string => randomBytes(8).toString('hex');

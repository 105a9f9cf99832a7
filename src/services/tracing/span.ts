/** What crosses to the thread that exports, and what it makes of it. */

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A request that is over. Times are milliseconds since 1970, with fractions. */
export interface RequestRecord {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The caller's span. */
  readonly parentId: string | undefined;
  /** The caller's `tracestate`, not yet read. */
  readonly state: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** When it was made, and when it was over. */
  readonly attributes: readonly [SpanAttributes, SpanAttributes];
  /** What it spent its time with, by itself. */
  readonly parts: readonly (readonly [name: string, startMs: number, endMs: number])[];
  readonly failed: boolean;
}

/** A batch with requests in it that are traced. */
export interface BatchRecord {
  readonly model: string;
  readonly version: string;
  readonly placement: string;
  readonly batchRows: number;
  readonly closedBy: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly runMs: number;
  readonly requests: readonly (readonly [traceId: string, spanId: string, waitMs: number])[];
}

export type TraceRecord = RequestRecord | BatchRecord;

/** What the thread that exports is started with. */
export interface ExportOptions {
  /** Where spans go (OTLP over HTTP, JSON). */
  readonly url: string;
  readonly serverVersion: string;
}

/** What that thread is told: what is over, or to hand over what waits and end. */
export type ToExport = readonly TraceRecord[] | 'close';
/** What it says: so many records were taken (none, once it listens), or something to warn of. */
export type FromExport = { readonly taken: number } | { readonly warning: string };

export interface FinishedSpan {
  readonly name: string;
  readonly kind: 'server' | 'internal';
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: { readonly spanId: string; readonly isRemote: boolean };
  readonly state?: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  readonly links?: readonly SpanLink[];
  readonly failed?: boolean;
}

export type SpanLink = Pick<FinishedSpan, 'traceId' | 'spanId'>;

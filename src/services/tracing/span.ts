/** A finished span, in a form that travels between threads. */
export interface FinishedSpan {
  readonly name: string;
  readonly kind: 'server' | 'internal';
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parent?: { readonly spanId: string; readonly isRemote: boolean };
  /** The caller's `tracestate`, not yet read. */
  readonly state?: string;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  readonly links?: readonly SpanLink[];
  readonly failed?: boolean;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;
export type SpanLink = Pick<FinishedSpan, 'traceId' | 'spanId'>;

/** What the thread that exports is started with. */
export interface ExportOptions {
  /** Where spans go (OTLP over HTTP, JSON). */
  readonly url: string;
  readonly serverVersion: string;
}

/** What that thread is told: spans, or to hand over what waits and end. */
export type ToExport = readonly FinishedSpan[] | 'close';
/** What it says: so many spans were taken (none, once it listens), or something to warn of. */
export type FromExport = { readonly taken: number } | { readonly warning: string };

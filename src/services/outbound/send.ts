import type { Readable } from 'node:stream';

export interface SendOptions {
  readonly url: string;
  /** By default `POST`. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds for everything. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Signs the body (`X-Vitrina-Signature`). */
  readonly sign?: { readonly secret: string };
  /** How many redirects are followed. By default none: a 3xx is an answer like any other. */
  readonly redirects?: number;
}

export interface Sent {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The first 64 KiB of the answer, or what came of them in time, as UTF-8. It may hold any character, NUL too. */
  readonly bodyStart: string;
}

const mostBytes = 64 * 1024;

/**
 * The start of a body, as text. The status is what the receiver had to say: that the rest is slow, broken or endless
 * takes nothing of it back.
 */
export async function readStart(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let left = mostBytes;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, left));
      left -= part.length;
      if (left <= 0) break;
    }
  } catch {
    // What has come is kept.
  }
  return new TextDecoder().decode(Buffer.concat(parts), { stream: true });
}

import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { VitrinaError } from '../../errors.js';

export interface DownloadOptions {
  /** Bytes that the file may have at most. */
  readonly maxBytes: number;
  /** Milliseconds for everything: names, connections, redirects, the body. */
  readonly timeoutMs: number;
  /** What the body must bring on average in each successive ten seconds. By default 1,000. */
  readonly minBytesPerSecond?: number;
  readonly signal?: AbortSignal;
  /** The file to write, readable by its owner alone. What was there is removed first. */
  readonly into: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How many redirects are followed. By default 5. */
  readonly redirects?: number;
}

export interface Downloaded {
  readonly bytes: number;
  /** Of the bytes of the file, in hex. */
  readonly sha256: string;
  /** As the server says; nobody has looked whether it is so. */
  readonly contentType: string | undefined;
  /** Where the last redirect led, with its query, which may be a credential: nothing for a log. */
  readonly finalUrl: string;
}

/** The body of an answer on its way to a file. */
export interface IncomingFile {
  readonly body: Readable;
  readonly into: string;
  readonly maxBytes: number;
  readonly minBytesPerSecond: number;
  /** Milliseconds in which that rate is looked at. */
  readonly rateWindowMs: number;
  /** The URL as messages show it. */
  readonly shown: string;
  /** Ends the request when it is too slow. */
  readonly stop: AbortController;
}

/**
 * Writes a body to a file, a part at a time, and removes the file if that fails.
 *
 * @throws VitrinaError `outbound-too-large`, `outbound-too-slow`, `storage-full`, `path-unusable`; what the body throws
 */
export async function writeBody(incoming: IncomingFile): Promise<{ bytes: number; sha256: string }> {
  const { into } = incoming;
  const handle = await onDisk(into, async () => {
    await rm(into, { force: true });
    return open(into, 'wx', 0o600);
  });
  try {
    const written = await copy(incoming, handle);
    await onDisk(into, () => handle.close());
    return written;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(into, { force: true });
    throw error;
  }
}

async function copy({ body, into, maxBytes, ...rest }: IncomingFile, handle: FileHandle) {
  const hash = createHash('sha256');
  let bytes = 0;
  let before = 0;
  const { minBytesPerSecond, rateWindowMs, shown, stop } = rest;
  const least = (minBytesPerSecond * rateWindowMs) / 1000;
  const watch = setInterval(() => {
    if (bytes - before < least) {
      const fields = { url: shown, bytesPerSecond: minBytesPerSecond, seconds: rateWindowMs / 1000 };
      stop.abort(new VitrinaError('outbound-too-slow', fields));
    }
    before = bytes;
  }, rateWindowMs);
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw new VitrinaError('outbound-too-large', { url: shown, limit: maxBytes });
      hash.update(part);
      await onDisk(into, () => handle.appendFile(part));
    }
  } finally {
    clearInterval(watch);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A fault of the disk is told from one of the server that is asked. */
async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new VitrinaError('storage-full', {}, { cause });
    throw new VitrinaError('path-unusable', { path, problem: message }, { cause });
  }
}

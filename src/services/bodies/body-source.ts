/** The bytes of a body while they arrive: inflated, counted, and no further than a limit. */
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { VitrinaError } from '../../errors.js';

const inflaters: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** How a body is compressed; nothing when it is not. @throws VitrinaError `body-encoding` */
export function readEncoding(header: string | undefined): string | undefined {
  const encoding = header?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return undefined;
  if (Object.hasOwn(inflaters, encoding)) return encoding;
  throw new VitrinaError('body-encoding', { encoding: header!.slice(0, 100) });
}

/**
 * What `raw` holds, inflated. A fault of `raw` is one of the result; what is not of the encoding is
 * `body-encoding-damaged`. `raw` itself is left open, whatever becomes of the result, which nobody has to read: a fault
 * that nobody listens for is none of the server's.
 */
export function inflateBody(raw: Readable, encoding: string): Readable {
  const inflater = inflaters[encoding]!();
  const fail = (error: Error) => inflater.destroy(error);
  const closed = () => {
    if (!raw.readableEnded) inflater.destroy(new Error('The body was cut off'));
  };
  raw.once('error', fail).once('close', closed);
  inflater.on('error', () => undefined);
  inflater.once('close', () => {
    raw.off('error', fail).off('close', closed);
    raw.unpipe(inflater);
  });
  return raw.pipe(inflater);
}

/** Bytes that wait to be read before the sender is held up. */
const aheadBytes = 2 ** 17;

/** Reads a body once, piece by piece, as fast as the pieces are taken. */
export class BodySource {
  private readonly stream: Readable;
  private readonly queue: Uint8Array[] = [];
  private queued = 0;
  private bytes = 0;
  private compressed = 0;
  private ended = false;
  private failure: unknown;
  private wake: (() => void) | undefined;

  /** Takes `limit` bytes at most, before inflating and after; `setting` is what they are raised by. */
  constructor(
    private readonly raw: Readable,
    private readonly encoding: string | undefined,
    private readonly limit: number,
    private readonly setting: 'stream-limit' | 'job-file-limit' = 'stream-limit',
  ) {
    this.stream = encoding === undefined ? raw : inflateBody(raw, encoding);
    if (this.stream !== raw) raw.on('data', this.count);
    this.stream
      .on('data', this.take)
      .once('end', () => {
        this.ended = true;
        this.wake?.();
      })
      .once('error', this.fail)
      .once('close', () => {
        if (!this.ended) this.fail(new VitrinaError('request-abandoned', {}));
      });
  }

  /** Whether the sender may still be sending. */
  get arriving(): boolean {
    const { complete } = this.raw as { complete?: boolean };
    return !(complete ?? this.raw.readableEnded);
  }

  /** The pieces, in order. Errors: `stream-too-large`, `body-encoding-damaged`, `request-abandoned`. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure;
      const piece = this.queue.shift();
      if (piece !== undefined) {
        this.queued -= piece.length;
        if (this.queued < aheadBytes && this.stream.isPaused()) this.stream.resume();
        yield piece;
      } else if (this.ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
      }
    }
  }

  /**
   * Reads the rest and drops it: many senders look at the answer only when they have sent everything. Beyond the limit
   * the connection is cut.
   */
  abandon(): void {
    if (this.ended) return;
    this.fail(new VitrinaError('request-abandoned', {}));
    const { raw, stream, limit } = this;
    stream.off('data', this.take);
    raw.off('data', this.count);
    if (stream !== raw) stream.destroy();
    let bytes = stream === raw ? this.bytes : this.compressed;
    raw.on('data', (piece: Uint8Array) => {
      bytes += piece.length;
      if (bytes > limit) raw.destroy();
    });
    raw.resume();
  }

  private readonly take = (piece: Uint8Array): void => {
    this.bytes += piece.length;
    if (this.bytes > this.limit) {
      this.fail(this.tooLarge());
      this.stream.pause();
      return;
    }
    this.queue.push(piece);
    this.queued += piece.length;
    if (this.queued >= aheadBytes) this.stream.pause();
    this.wake?.();
  };

  /** Compressed bytes count too: they may inflate to nothing. */
  private readonly count = (piece: Uint8Array): void => {
    this.compressed += piece.length;
    if (this.compressed > this.limit) this.fail(this.tooLarge());
  };

  private tooLarge(): VitrinaError {
    return new VitrinaError('stream-too-large', { limit: this.limit, setting: this.setting });
  }

  private readonly fail = (error: unknown): void => {
    this.failure ??= encodingFault(error, this.encoding);
    this.queue.length = 0;
    this.wake?.();
  };
}

/** The fault of an inflater or of the connection in the words of the catalogue. */
function encodingFault(error: unknown, encoding: string | undefined): unknown {
  if (error instanceof VitrinaError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new VitrinaError('request-abandoned', {}, { cause: error });
  }
  if (encoding === undefined || code === undefined || !/^(Z_|ERR_)/.test(code)) return error;
  return new VitrinaError('body-encoding-damaged', { encoding, problem: message }, { cause: error });
}

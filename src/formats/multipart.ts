/**
 * Reads `multipart/form-data` while it arrives, part by part; nothing is kept but what may belong to a boundary.
 * Specification: RFC 7578 on top of RFC 2046, 5.1.1.
 */
import { VitrinaError } from '../errors.js';

export interface MultipartPart {
  /** The name of the form's field. */
  readonly name: string;
  /** To be read to its end, or left, before the next part is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

const usualParts = 32;
const longestHeader = 8 * 1024;
/** Bytes before the first boundary, which no client sends. */
const longestPreamble = 64 * 1024;

/** The boundary that a content type names; `undefined` where it is another type. Errors: `request-malformed`. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(contentType)) return undefined;
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? '';
  if (!/^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)) {
    throw malformed('names no boundary that RFC 2046 allows');
  }
  return boundary;
}

/** The parts of `stream`, in order, `mostParts` at most. Errors: `request-malformed`, those of `stream`. */
export async function* readMultipart(
  stream: AsyncIterable<Uint8Array>,
  boundary: string,
  mostParts = usualParts,
): AsyncGenerator<MultipartPart> {
  const reader = new PartReader(stream[Symbol.asyncIterator](), Buffer.from(`\r\n--${boundary}`, 'latin1'));
  await reader.skipPart(longestPreamble);
  for (let parts = 0; ; parts++) {
    if (await reader.atEnd()) break;
    if (parts === mostParts) throw malformed(`has more than ${mostParts} parts`);
    const name = nameOf(await reader.readHeader());
    const body = reader.readPart();
    yield { name, body };
    for await (const _ of body) {
      // What nobody wanted to read.
    }
  }
  await reader.drain();
}

class PartReader {
  // A boundary begins with a line's end, which the first one has no line before to give it.
  private buffer: Buffer = Buffer.from('\r\n');

  constructor(
    private readonly chunks: AsyncIterator<Uint8Array>,
    private readonly delimiter: Buffer,
  ) {}

  /** The bytes up to the next boundary, which is taken as well. */
  async *readPart(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.buffer.indexOf(this.delimiter);
      if (at >= 0) {
        const rest = this.buffer.subarray(0, at);
        this.buffer = this.buffer.subarray(at + this.delimiter.length);
        if (rest.length > 0) yield rest;
        return;
      }
      const sure = this.buffer.length - this.delimiter.length + 1;
      if (sure > 0) {
        const part = this.buffer.subarray(0, sure);
        this.buffer = this.buffer.subarray(sure);
        yield part;
      }
      await this.more();
    }
  }

  async skipPart(limit: number): Promise<void> {
    let bytes = 0;
    for await (const chunk of this.readPart()) {
      bytes += chunk.length;
      if (bytes > limit) throw malformed('does not begin with its boundary');
    }
  }

  /** Whether the boundary that was taken is the last one; else the line that it stands on ends here. */
  async atEnd(): Promise<boolean> {
    while (this.buffer.length < 2) await this.more();
    if (this.buffer.subarray(0, 2).equals(Buffer.from('--'))) return true;
    const line = await this.readUpTo('\r\n', 256);
    if (/^[ \t]*$/.test(line)) return false;
    throw malformed('has a boundary that its line goes on after');
  }

  /** The header of a part, without the empty line behind it. */
  async readHeader(): Promise<string> {
    return this.readUpTo('\r\n\r\n', longestHeader);
  }

  /** Reads what follows the last boundary, which means nothing. */
  async drain(): Promise<void> {
    while (!(await this.chunks.next()).done);
  }

  private async readUpTo(end: string, limit: number): Promise<string> {
    for (;;) {
      const at = this.buffer.indexOf(end, 0, 'latin1');
      if (at > limit || (at < 0 && this.buffer.length > limit + end.length)) {
        throw malformed(`has a header longer than ${limit} bytes`);
      }
      if (at >= 0) {
        const text = this.buffer.toString('utf8', 0, at);
        this.buffer = this.buffer.subarray(at + end.length);
        return text;
      }
      await this.more();
    }
  }

  private async more(): Promise<void> {
    const { done, value } = await this.chunks.next();
    if (done) throw malformed('ends before its last boundary');
    this.buffer = this.buffer.length === 0 ? Buffer.from(value) : Buffer.concat([this.buffer, value]);
  }
}

function nameOf(header: string): string {
  const disposition = header.split('\r\n').find((line) => /^content-disposition\s*:/i.test(line)) ?? '';
  const [, quoted, plain] = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(disposition) ?? [];
  const name = quoted ?? plain;
  if (!/form-data/i.test(disposition) || name === undefined) throw malformed('has a part without a name');
  return name;
}

function malformed(what: string): VitrinaError {
  return new VitrinaError('request-malformed', { problem: `The multipart body ${what}` });
}

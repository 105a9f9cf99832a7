import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { VitrinaError } from '../errors.js';

export type BodyDone = (error: Error | null, bytes?: Buffer) => void;

/** What is used of Node's own bookkeeping of a stream; where it is missing, bodies are read as streams. */
interface StreamState {
  ended: boolean;
  endEmitted: boolean;
}

interface Collection {
  readonly limit: number;
  readonly done: BodyDone;
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * A request whose body can be had in one piece, straight from the parser of HTTP. A body that is wanted whole gains
 * nothing from being a stream: its events, and the turns between them, cost a small request more than it takes to read
 * and parse it. `createServer` takes the class as its option `IncomingMessage`.
 */
export class WholeRequest extends IncomingMessage {
  private collection: Collection | undefined;

  /** False when the body is a stream already: when some of it has come, or somebody reads it. */
  collect(limit: number, done: BodyDone): boolean {
    const state = stateOf(this);
    const untouched = this.readableLength === 0 && this.readableFlowing === null && !this.complete && !this.destroyed;
    if (state === undefined || !untouched) return false;
    this.collection = { limit, done, parts: [], bytes: 0 };
    return true;
  }

  /** Ends the body, with the last piece of it where there is one, which is as it is until this returns. */
  pushLast(part?: Buffer): void {
    const { collection } = this;
    if (part !== undefined) {
      if (collection !== undefined && collection.bytes + part.length <= collection.limit) {
        collection.bytes += part.length;
        this.finish(collection, [...collection.parts, part]);
        return;
      }
      this.push(Buffer.from(part));
    }
    this.complete = true;
    this.push(null);
  }

  /** Called by the parser with each part of the body, and with `null` behind the last. */
  override push(part: Buffer | null, encoding?: BufferEncoding): boolean {
    const { collection } = this;
    if (collection === undefined) return super.push(part, encoding);
    if (part === null) {
      this.finish(collection, collection.parts);
      return false;
    }
    collection.bytes += part.length;
    if (collection.bytes <= collection.limit) {
      collection.parts.push(part);
      return true;
    }
    // What still comes is a stream again, which Node throws away when the answer is out.
    this.collection = undefined;
    collection.done(tooLarge(collection.limit));
    return true;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { collection } = this;
    this.collection = undefined;
    super._destroy(error, callback);
    collection?.done(new VitrinaError('request-abandoned', {}));
  }

  private finish({ done, bytes }: Collection, parts: readonly Buffer[]): void {
    this.complete = true;
    this.collection = undefined;
    this.markRead();
    done(null, parts.length === 1 ? parts[0] : Buffer.concat(parts, bytes));
  }

  /** For Node, which reads on the connection when a request has been read to its end. */
  private markRead(): void {
    const state = stateOf(this)!;
    state.ended = true;
    state.endEmitted = true;
    (this as unknown as { _consuming: boolean })._consuming = true;
  }
}

function stateOf(stream: Readable): StreamState | undefined {
  const state = (stream as unknown as { _readableState?: StreamState })._readableState;
  return state !== undefined && 'ended' in state && 'endEmitted' in state ? state : undefined;
}

/**
 * Reads a body of at most `limit` bytes. The bytes may be used until `done` returns, and belong to the caller when they
 * came in several parts.
 * Errors: `body-too-large`, `request-abandoned`, `request-malformed` for what something on the way cannot inflate.
 */
export function readWhole(payload: Readable, limit: number, done: BodyDone): void {
  if (payload instanceof WholeRequest && payload.collect(limit, done)) return;
  const parts: Buffer[] = [];
  let bytes = 0;
  const end = (error: Error | null, whole?: Buffer) => {
    payload.off('data', take).off('end', finish).off('error', fail).off('close', abandon);
    done(error, whole);
  };
  const fail = ({ message }: Error) => {
    // A request fails when its connection does; anything else, when it cannot make sense of what it is given.
    if (payload instanceof IncomingMessage) abandon();
    else end(new VitrinaError('request-malformed', { problem: message }));
  };
  const finish = () => end(null, Buffer.concat(parts, bytes));
  const abandon = () => end(new VitrinaError('request-abandoned', {}));
  const take = (part: Buffer | string) => {
    const chunk = typeof part === 'string' ? Buffer.from(part) : part;
    bytes += chunk.length;
    if (bytes <= limit) {
      parts.push(chunk);
      return;
    }
    end(tooLarge(limit));
    // Nobody needs the rest inflated; a request has to stay open for its answer.
    if (!(payload instanceof IncomingMessage)) payload.destroy();
  };
  if (payload.destroyed) abandon();
  else payload.on('data', take).on('end', finish).on('error', fail).on('close', abandon);
}

export const tooLarge = (limit: number) => new VitrinaError('body-too-large', { limit });

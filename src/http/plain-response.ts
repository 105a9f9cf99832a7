import { type IncomingMessage, type OutgoingHttpHeaders, OutgoingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ResponseHead, ResponseHeads } from './response-head.js';

/** The connection that an answer goes to. */
export interface ResponseOwner {
  readonly socket: Socket;
  readonly heads: ResponseHeads;
  /** Seconds that an idle connection stays open. */
  readonly keepAliveSeconds: number;
  /** All of the answer has been given to the socket. */
  answered(response: PlainResponse): void;
}

/** What Node's own code sets on a response, and has no public name for. */
interface Internals {
  socket: Socket | null;
  destroyed: boolean;
  _header: string | null;
  _keepAliveTimeout: number;
  _last: boolean;
  _closed: boolean;
}

/** An answer whose faults end no process: a caller who leaves while it is written makes it emit errors. */
export class GuardedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  constructor(request: Request) {
    super(request);
    this.on('error', ignore);
  }
}

/**
 * An answer that is written in one piece where it comes in one: a status, headers, and a text or bytes of a known length.
 * Anything else (a stream, no length, a status without a body) is left to `ServerResponse`, whose every method works.
 */
export class PlainResponse extends ServerResponse {
  private head: ResponseHead | undefined;
  private ordinary = false;

  constructor(
    request: IncomingMessage,
    private readonly owner: ResponseOwner,
  ) {
    super(request);
    internals(this).socket = owner.socket;
  }

  /** Whether the connection ends with it. */
  get last(): boolean {
    return this.ordinary ? internals(this)._last : !this.shouldKeepAlive;
  }

  // biome-ignore lint/suspicious/noExplicitAny: stands for all signatures of the method
  override writeHead(status: number, ...given: any[]): this {
    if (given.length === 1 && !this.headersSent && this.getHeaderNames().length === 0) {
      const headers = given[0] as OutgoingHttpHeaders;
      const { heads, keepAliveSeconds } = this.owner;
      const head = heads.write(status, headers, this.shouldKeepAlive, keepAliveSeconds);
      if (head !== undefined) {
        this.head = head;
        this.statusCode = status;
        internals(this)._header = head.text;
        return this;
      }
    }
    this.beOrdinary();
    return this.writeOrdinary(status, given);
  }

  // biome-ignore lint/suspicious/noExplicitAny: stands for all signatures of the method
  override end(...given: any[]): this {
    const { head } = this;
    const [body, encoding, done] = given;
    if (
      head === undefined ||
      this.finished ||
      (encoding ?? done ?? undefined) !== undefined ||
      !this.send(head, body)
    ) {
      this.beOrdinary();
      return super.end(...given);
    }
    this.finished = true;
    internals(this).socket = null;
    if (this.listenerCount('finish') > 0 || this.listenerCount('close') > 0) {
      process.nextTick(() => {
        this.emit('finish');
        this.close();
      });
    }
    this.owner.answered(this);
    return this;
  }

  // biome-ignore lint/suspicious/noExplicitAny: stands for all signatures of the method
  override write(...given: any[]): boolean {
    this.beOrdinary();
    return super.write(...(given as [unknown]));
  }

  override flushHeaders(): void {
    this.beOrdinary();
    super.flushHeaders();
  }

  /** Whoever waits to write more hears that the socket has room again. */
  drained(): void {
    if (!this.writableNeedDrain) return;
    if (needDrain !== undefined) (this as unknown as Record<symbol, boolean>)[needDrain] = false;
    this.emit('drain');
  }

  /** Whoever listens hears that it is over, written or not. */
  close(): void {
    const state = internals(this);
    if (state._closed === true) return;
    state.destroyed = true;
    state._closed = true;
    this.emit('close');
  }

  /** Gives head and body to the socket in one write. False when they do not make one answer. */
  private send({ text, length }: ResponseHead, body: unknown): boolean {
    const { socket } = this.owner;
    if (typeof body === 'string') {
      // As many characters as bytes: each of them is ASCII.
      if (body.length === length) socket.write(text + body, 'latin1');
      else if (Buffer.byteLength(body) === length) socket.write(text + body, 'utf8');
      else return false;
      return true;
    }
    if (!Buffer.isBuffer(body) || body.length !== length) return false;
    socket.cork();
    socket.write(text, 'latin1');
    socket.write(body);
    socket.uncork();
    return true;
  }

  private beOrdinary(): void {
    if (this.ordinary) return;
    this.ordinary = true;
    const { socket, keepAliveSeconds } = this.owner;
    internals(this)._keepAliveTimeout = keepAliveSeconds * 1000;
    this.once('finish', () => {
      this.detachSocket(socket);
      process.nextTick(() => this.close());
      this.owner.answered(this);
    });
    this.on('error', ignore);
    this.assignSocket(socket);
    const { head } = this;
    if (head === undefined) return;
    this.head = undefined;
    internals(this)._header = null;
    this.writeOrdinary(this.statusCode, [head.headers]);
  }

  // biome-ignore lint/suspicious/noExplicitAny: stands for all signatures of the method
  private writeOrdinary(status: number, given: any[]): this {
    const { usual } = this.owner.heads;
    for (const name in usual) if (!this.hasHeader(name)) this.setHeader(name, usual[name]!);
    return super.writeHead(status, ...given);
  }
}

/** Where Node keeps that a response is to hear of it. */
const needDrain = Object.getOwnPropertySymbols(new OutgoingMessage()).find(
  ({ description }) => description === 'kNeedDrain',
);
const ignore = () => undefined;
const internals = (response: PlainResponse) => response as unknown as Internals;

import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  OutgoingMessage,
  ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';

/** The connection that an answer goes to. */
export interface ResponseOwner {
  readonly socket: Socket;
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

interface Head {
  readonly text: string;
  /** Bytes of the body. */
  readonly length: number;
  readonly headers: OutgoingHttpHeaders;
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
  private head: Head | undefined;
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
      const head = writeHead(status, headers, this.shouldKeepAlive, this.owner.keepAliveSeconds);
      if (head !== undefined) {
        this.head = head;
        this.statusCode = status;
        internals(this)._header = head.text;
        return this;
      }
    }
    this.beOrdinary();
    return super.writeHead(status, ...given);
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
  private send({ text, length }: Head, body: unknown): boolean {
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
    super.writeHead(this.statusCode, head.headers);
  }
}

/** Where Node keeps that a response is to hear of it. */
const needDrain = Object.getOwnPropertySymbols(new OutgoingMessage()).find(
  ({ description }) => description === 'kNeedDrain',
);
const ignore = () => undefined;
const internals = (response: PlainResponse) => response as unknown as Internals;

/** Headers that Node reads or adds itself. */
const reserved = ['connection', 'transfer-encoding', 'date', 'keep-alive', 'trailer'] as const;
const unprintable = /[^\t -~]/;

function writeHead(
  status: number,
  headers: OutgoingHttpHeaders,
  keepAlive: boolean,
  keepAliveSeconds: number,
): Head | undefined {
  const length = Number(headers['content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(length) || status < 200 || status === 204 || status === 304) return undefined;
  for (const name of reserved) if (headers[name] !== undefined) return undefined;
  let text = statusLine(status);
  for (const name in headers) {
    const value = headers[name];
    if (!isPlainHeader(name, value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  text += keepAlive
    ? `Date: ${date()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`
    : `Date: ${date()}\r\nConnection: close\r\n\r\n`;
  return { text, length, headers };
}

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    if (statusLines.size < 100) statusLines.set(status, line);
  }
  return line;
}

/** The value that each name had last: most headers say the same each time. Names come from code, and are few. */
const lastValues = new Map<string, unknown>();

function isPlainHeader(name: string, value: unknown): boolean {
  const last = lastValues.get(name);
  if (last !== undefined && last === value) return true;
  if (typeof value === 'string' ? unprintable.test(value) : typeof value !== 'number') return false;
  if (last === undefined && (lastValues.size > 1000 || !/^[a-z][a-z0-9-]*$/.test(name))) return false;
  lastValues.set(name, value);
  return true;
}

let today = '';
let todayUntil = 0;

/** Now, as a header says it. */
function date(): string {
  const now = Date.now();
  if (now >= todayUntil || now < todayUntil - 1000) {
    today = new Date(now).toUTCString();
    todayUntil = now - (now % 1000) + 1000;
  }
  return today;
}

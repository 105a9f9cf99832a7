import type { IncomingHttpHeaders, Server } from 'node:http';
import type { Socket } from 'node:net';
import { PlainResponse, type ResponseOwner } from './plain-response.js';
import { type RequestHead, readRequestHead } from './request-head.js';
import type { ResponseHeads } from './response-head.js';
import { readShared } from './shared-reads.js';
import { WholeRequest } from './whole-body.js';

/** Bytes of a head beyond which it is left to Node. */
const longestHead = 8192;
/** Bytes of a head beyond which it is not remembered. */
const longestKnown = 2048;
const headEnd = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

/** Where connections go that ask in other than the plainest form. */
export interface Door {
  readonly server: Server;
  readonly heads: ResponseHeads;
  /** Gives a connection to Node's own parser, for good, with what has come and nobody has read. */
  handOver(connection: PlainConnection, unread: Buffer | undefined): void;
  forget(connection: PlainConnection): void;
}

/**
 * A connection whose requests are read here as long as each has the plainest form and its head comes in one piece. The
 * first that does not takes the connection to Node's parser, before anything of it has been answered.
 *
 * One request at a time: what a caller sends ahead waits until the answer is out, unread beyond one piece.
 */
export class PlainConnection implements ResponseOwner {
  /** How often the door has found it idle since its last request. */
  idle = 0;
  /** Whether it has ever asked. */
  asked = false;
  /** Nothing more is read from it here: it ends, or Node has it. */
  private over = false;
  private request: WholeRequest | undefined;
  private response: PlainResponse | undefined;
  /** Bytes of the body that have not come. */
  private missing = 0;
  /** Whether the request has been given to its reader to its end. */
  private received = true;
  /** What was sent ahead. */
  private ahead: Buffer | undefined;
  /** Callers repeat their heads, and are spared the reading: the bytes of the last, and what they say. */
  private lastBytes = nothing;
  private lastHead: RequestHead | undefined;
  private readonly giveBack: () => void;

  constructor(
    readonly socket: Socket,
    private readonly door: Door,
  ) {
    this.giveBack = readShared(socket, this.take);
    socket.on('end', this.end).on('close', this.close);
    // The connection closes, and that is all there is to say about it.
    socket.on('error', ignore).on('timeout', this.destroy).on('drain', this.drained);
  }

  get heads(): ResponseHeads {
    return this.door.heads;
  }

  get keepAliveSeconds(): number {
    return Math.floor(this.door.server.keepAliveTimeout / 1000);
  }

  /** Whether a request is on its way or being answered. */
  get busy(): boolean {
    return this.request !== undefined || this.ahead !== undefined || this.socket.writableLength > 0;
  }

  readonly destroy = (): void => {
    this.socket.destroy();
  };

  /** Lets go of the socket. */
  release(): void {
    const { socket } = this;
    this.giveBack();
    socket.off('end', this.end).off('close', this.close);
    socket.off('error', ignore).off('timeout', this.destroy).off('drain', this.drained);
    this.over = true;
  }

  answered(response: PlainResponse): void {
    const { socket } = this;
    if (response !== this.response) return;
    this.response = undefined;
    if (response.last) {
      this.over = true;
      this.request = undefined;
      this.ahead = undefined;
      socket.destroySoon();
    } else if (this.received) this.next();
    // Nobody wants the rest of the body; it has to come all the same before the next request does.
    else if (this.missing > 0 && this.request!.readableFlowing === null) this.request!.resume();
  }

  /** `piece` is as it is until this returns. */
  private readonly take = (piece: Buffer): void => {
    if (this.over) return;
    if (this.missing > 0) this.takeBody(piece);
    else if (this.request !== undefined || this.ahead !== undefined) this.keep(piece);
    else this.begin(piece);
  };

  /** `piece` begins with a request. */
  private begin(piece: Buffer): void {
    const { door, socket } = this;
    const head = this.isLast(piece) ? this.lastHead : this.read(piece);
    if (head === undefined) {
      door.handOver(this, Buffer.from(piece));
      return;
    }
    const request = new WholeRequest(socket);
    request.httpVersion = '1.1';
    request.httpVersionMajor = 1;
    request.httpVersionMinor = 1;
    request.method = head.method;
    request.url = head.url;
    // The requests of a connection share them, and nobody may write to them.
    request.headers = head.headers as IncomingHttpHeaders;
    request.rawHeaders = head.rawHeaders as string[];
    const response = new PlainResponse(request, this);
    this.idle = 0;
    this.asked = true;
    this.request = request;
    this.response = response;
    this.missing = head.length;
    this.received = false;
    door.server.emit('request', request, response);
    if (this.over) return;
    const rest = head.bytes < piece.length ? piece.subarray(head.bytes) : undefined;
    if (this.missing === 0) {
      if (rest !== undefined) this.keep(rest);
      this.complete(request);
    } else if (rest !== undefined) this.takeBody(rest);
  }

  private isLast(piece: Buffer): boolean {
    const { length } = this.lastBytes;
    return length > 0 && piece.length >= length && this.lastBytes.compare(piece, 0, length) === 0;
  }

  private read(piece: Buffer): RequestHead | undefined {
    const end = piece.indexOf(headEnd) + headEnd.length;
    if (end < headEnd.length || end > longestHead) return undefined;
    const head = readRequestHead(piece.toString('latin1', 0, end));
    this.lastHead = head;
    this.lastBytes = head === undefined || end > longestKnown ? nothing : Buffer.from(piece.subarray(0, end));
    return head;
  }

  private takeBody(piece: Buffer): void {
    const { missing } = this;
    const request = this.request!;
    const own = piece.length > missing ? piece.subarray(0, missing) : piece;
    this.missing = missing - own.length;
    if (own.length < piece.length) this.keep(piece.subarray(own.length));
    if (this.missing === 0) this.complete(request, own);
    // Whoever reads it resumes the socket.
    else if (!request.push(Buffer.from(own))) this.socket.pause();
  }

  private complete(request: WholeRequest, last?: Buffer): void {
    request.pushLast(last);
    this.received = true;
    if (this.response === undefined) this.next();
  }

  private keep(piece: Buffer): void {
    this.ahead = this.ahead === undefined ? Buffer.from(piece) : Buffer.concat([this.ahead, piece]);
    this.socket.pause();
  }

  /** The request is over, and so is its answer. */
  private next(): void {
    const { socket } = this;
    if (this.over || socket.destroyed) return;
    this.request = undefined;
    if (socket.timeout) socket.setTimeout(0);
    // Who does not read answers gets no more of them.
    if (socket.writableNeedDrain) socket.pause();
    else if (this.ahead !== undefined) setImmediate(this.goOn);
    else if (socket.isPaused()) socket.resume();
  }

  private readonly drained = (): void => {
    if (this.response !== undefined) this.response.drained();
    else this.goOn();
  };

  private readonly goOn = (): void => {
    const { socket, ahead } = this;
    if (this.over || socket.destroyed || this.request !== undefined) return;
    this.ahead = undefined;
    if (ahead !== undefined) this.begin(ahead);
    if (!this.over && this.ahead === undefined && socket.isPaused()) socket.resume();
  };

  /** Who closes its side has gone: Node holds it so, and a caller who waits does not close. */
  private readonly end = (): void => {
    this.socket.end();
  };

  private readonly close = (): void => {
    const { request, response } = this;
    this.door.forget(this);
    this.ahead = undefined;
    if (request !== undefined) request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    response?.close();
  };
}

const ignore = () => undefined;

/** What is around the artwork app: a server of images, and the endpoint of whoever is called back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import sharp from 'sharp';
import { verifySignature } from '../../src/index.js';
import { makeZip } from '../formats/zip-writer.js';

export const secret = 'a secret for callbacks in tests';

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of HTTP on the loopback address, that ends with whoever still is connected to it. */
export async function listen(answer: Answering): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(answer);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A PNG file of a color that follows from its number. */
export function imageOf(n: number, size = 16): Promise<Buffer> {
  const background = { r: n % 256, g: (n >> 8) % 256, b: (n * 7) % 256 };
  return sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer();
}

/** `/<n>.png` is an image; `/<n>.zip` a zip file with two: that one and the next. */
export function imageServer(): Promise<Listening> {
  const answer = async (path: string): Promise<Uint8Array | undefined> => {
    const [, digits, kind] = /^\/(\d+)\.(png|zip)$/.exec(path) ?? [];
    if (digits === undefined) return undefined;
    const n = Number(digits);
    if (kind === 'png') return imageOf(n);
    const data = await Promise.all([imageOf(n), imageOf(n + 1)]);
    return makeZip(data.map((bytes, i) => ({ name: `${n + i}.png`, data: bytes })));
  };
  return listen((request, response) => {
    void answer(request.url!).then((body) => response.writeHead(body === undefined ? 404 : 200).end(body));
  });
}

/** One time that somebody was called back. */
export interface Call {
  readonly at: number;
  readonly path: string;
  readonly body: Record<string, unknown> & { readonly ntd_transaction_id: string };
  readonly signed: boolean;
  /** Whether it was told that it was heard. */
  readonly heard: boolean;
}

/** What an endpoint does with a call: `true` for 200. What it answers itself it need not answer here. */
export type Manners = (call: Omit<Call, 'heard'>, response: ServerResponse) => boolean;

export interface Ear extends Listening {
  readonly calls: Call[];
  manners: Manners;
  /** Calls that were answered well, by `ntd_transaction_id`. */
  heard(): Map<string, Call[]>;
}

/** Whoever is called back, and hears of a start at `/announce`. */
export async function openEar(manners: Manners = () => true): Promise<Ear> {
  const calls: Call[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const bytes = Buffer.concat(parts);
    const now = Date.now();
    const header = String(request.headers['x-vitrina-signature'] ?? '');
    const call = {
      at: now,
      path: request.url!,
      body: JSON.parse(bytes.toString()) as Call['body'],
      signed: verifySignature(secret, header, bytes, 60, now / 1000),
    };
    const heard = ear.manners(call, response);
    calls.push({ ...call, heard });
    if (heard && !response.headersSent) response.writeHead(200).end('{}');
  };
  const listening = await listen((request, response) => {
    // A caller that was killed.
    take(request, response).catch(() => response.destroy());
  });
  const ear: Ear = {
    ...listening,
    calls,
    manners,
    heard: () => {
      const byId = new Map<string, Call[]>();
      for (const call of calls) {
        if (!call.heard || call.path !== '/called') continue;
        const { ntd_transaction_id: id } = call.body;
        byId.set(id, [...(byId.get(id) ?? []), call]);
      }
      return byId;
    },
  };
  return ear;
}

/** Servers on loopback addresses, for one file of tests; closed when it is done. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterAll } from 'vitest';
import { OutboundClient, type OutboundOptions } from '../../../src/services/outbound/outbound-client.js';

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const listen = async (server: Server | TcpServer, host: string, port: number) => {
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
};

/** A server of HTTP, what it was asked, and how many connections it has had. */
export async function serve(listener: RequestListener, { host = '127.0.0.1', port = 0 } = {}) {
  const server = createServer(listener);
  const seen = { connections: 0 };
  server.on('connection', () => seen.connections++);
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const bound = await listen(server, host, port);
  return { port: bound, origin: `http://${host}:${bound}`, seen };
}

/** A server that keeps what it is asked, body and all, and answers as `answer` says. */
export async function record(answer: (asked: Asked, response: ServerResponse) => void, where = {}) {
  const asked: Asked[] = [];
  const server = await serve(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const one = { method: request.method!, url: request.url!, headers: request.headers, body };
    asked.push(one);
    answer(one, response);
  }, where);
  return { ...server, asked };
}

/** A server that says what it likes once it has been asked. */
export async function serveTcp(speak: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.once('data', () => speak(socket));
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { origin: `http://127.0.0.1:${await listen(server, '127.0.0.1', 0)}`, sockets };
}

/** A client that is closed when the file is done. By default it reaches 127.0.0.1. */
export function clientOf({ allow = ['127.0.0.1'], ...options }: { allow?: string[] } & Partial<OutboundOptions> = {}) {
  const client = new OutboundClient({ policy: { allow }, ...options });
  closers.push(() => client.close());
  return client;
}

/** The error of the catalogue that a promise is rejected with, as code and text. */
export async function refusalOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error('it was not refused');
}

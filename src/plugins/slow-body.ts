import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes uploads: its body may arrive slowly, as long as it arrives. */
    slowBody?: boolean;
  }
}

export interface SlowBodyOptions {
  /** Milliseconds in which a body has to arrive; on a route of uploads, in which something of it has to. */
  readonly timeoutMs: number;
}

const arriving = Symbol('the request that arrives on a socket');
type Busy = Socket & { [arriving]?: IncomingMessage };

/** Requests that may take as long as they need, while bytes move. */
const patient = new WeakSet<IncomingMessage>();

/** What `slowBody` says of a route, for one request. */
export function letArriveSlowly(request: IncomingMessage): void {
  patient.add(request);
}

interface Watched {
  readonly request: IncomingMessage;
  since: number;
  bytes: number;
}

/**
 * Closes connections whose requests do not arrive. Node's own limit holds for every request alike, so that it has to
 * leave uploads their time; this one looks every few seconds at what is still arriving. It costs a request one
 * assignment.
 */
async function slowBody(app: FastifyInstance, { timeoutMs }: SlowBodyOptions): Promise<void> {
  const sockets = new Set<Busy>();
  const watched = new Map<Busy, Watched>();

  app.addHook('onRoute', (route) => {
    if (route.config?.slowBody !== true) return;
    const own = route.onRequest === undefined ? [] : [route.onRequest].flat();
    route.onRequest = [
      ...own,
      (request, _reply, done) => {
        letArriveSlowly(request.raw);
        done();
      },
    ];
  });

  app.server.on('connection', (socket: Busy) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      watched.delete(socket);
    });
  });
  app.server.prependListener('request', (request) => {
    (request.socket as Busy)[arriving] = request;
  });

  const look = () => {
    const now = performance.now();
    for (const socket of sockets) {
      const request = socket[arriving];
      if (request === undefined || request.complete) {
        watched.delete(socket);
        continue;
      }
      const seen = watched.get(socket);
      // An answer that is sent while its request arrives holds the request up.
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (seen?.request !== request) watched.set(socket, { request, since: now, bytes });
      else if (patient.has(request) && bytes > seen.bytes) [seen.since, seen.bytes] = [now, bytes];
      else if (now - seen.since >= timeoutMs) refuse(socket);
    }
  };
  const timer = setInterval(look, Math.min(5_000, timeoutMs / 4)).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

function refuse(socket: Socket): void {
  if (socket.writable) socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  socket.destroySoon();
}

export default fp(slowBody, { name: 'slow-body' });

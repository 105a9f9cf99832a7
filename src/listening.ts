import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { VitrinaError } from './errors.js';

/** Connections that may wait to be accepted, as far as the kernel allows (`net.core.somaxconn`). */
const backlog = 4096;
/** Milliseconds that an idle connection gets, once the server stops, to be told so with its next answer. */
const idleGraceMs = 1_000;
/** Milliseconds for which a server that stops keeps newcomers waiting, until nobody new comes. */
const holdMs = 500;
/** Milliseconds for which newcomers are given to other processes, of a process that holds too many. */
const divertMs = 900;

/** A listening socket of the operating system, which several processes may share. */
export interface SocketHandle {
  listen(backlog: number): number;
  getsockname(out: { port?: number }): number;
  close(): void;
  /** Called by the operating system's side with each connection. */
  onconnection?(this: SocketHandle, status: number, connection?: ConnectionHandle): void;
}

/** A connection that nobody has read from. */
export interface ConnectionHandle {
  close(): void;
}

export interface Listener {
  readonly port: number;
  /**
   * Takes no new connection and ends every answer with `Connection: close`, so that clients leave by themselves.
   * Resolves when all have left, or after a second: what is idle then may be closed.
   *
   * @param othersListen other processes accept from the same socket, so that what waits there is not lost
   */
  drain(othersListen: boolean): Promise<void>;
  /** Connections that are open. */
  connections(): Promise<number>;
  /**
   * Ends the next `count` answers with `Connection: close`, so that their callers come again, and gives as many
   * newcomers of the next second to `pass`: whoever is busy is awake, and would be the first to accept them.
   */
  shed(count: number, pass: (connection: ConnectionHandle) => void): void;
  /** Takes a connection that another process has accepted. */
  adopt(connection: ConnectionHandle): void;
}

/**
 * Listens on `host` and `port`, or on sockets that another process has bound and shares.
 * Errors: `port-in-use`, `address-unusable`.
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
  shared: readonly SocketHandle[] = [],
): Promise<Listener> {
  const [first, ...others] = shared;
  // Fastify looks up a host of that name only; with a socket at hand there is nothing to look up.
  const at = first === undefined ? { host, port, backlog } : { host: '127.0.0.1', handle: first };
  try {
    await app.listen(at);
  } catch (error) {
    throw toListenError(error, host, port);
  }
  const { server } = app;
  first?.listen(backlog);
  const doors = [server as Server, ...others.map((socket) => passOn(socket, server))];
  const address = server.address();
  let surplus = 0;
  const shedOne = (_request: IncomingMessage, response: ServerResponse) => {
    response.shouldKeepAlive = false;
    if (--surplus <= 0) server.off('request', shedOne);
  };
  const { _handle: handle } = server as Server as Handled;
  const accept = handle?.onconnection;
  let newcomers = { count: 0, until: 0, pass: (_connection: ConnectionHandle): void => undefined };
  const acceptOrPass: typeof accept = function (status, connection) {
    if (connection === undefined || newcomers.count <= 0 || performance.now() > newcomers.until) {
      accept!.call(this, status, connection);
    } else {
      newcomers.count--;
      newcomers.pass(connection);
    }
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async drain(othersListen) {
      server.prependListener('request', (_request, response) => {
        response.shouldKeepAlive = false;
      });
      await Promise.all(doors.map(othersListen ? close : closeWhenEmpty));
      const until = performance.now() + idleGraceMs;
      while (performance.now() < until && (await connections(doors)) > 0)
        await new Promise((next) => setTimeout(next, 20));
    },
    connections: () => connections(doors),
    shed(count, pass) {
      if (surplus <= 0 && count > 0) server.prependListener('request', shedOne);
      surplus = count;
      newcomers = { count, until: performance.now() + divertMs, pass };
      if (accept !== undefined) handle!.onconnection = acceptOrPass;
    },
    adopt(connection) {
      if (accept === undefined || !server.listening) connection.close();
      else accept.call(handle!, 0, connection);
    },
  };
}

/** What the operating system says about an address, in the catalogue's words. */
export function toListenError(error: unknown, host: string, port: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new VitrinaError('port-in-use', { host, port }, { cause: error });
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new VitrinaError('address-unusable', { host, port, reason: message }, { cause: error });
}

/** Servers have no public name for the socket that they listen on. */
interface Handled {
  readonly _handle?: SocketHandle | null;
}

/** A second address of the same host. */
function passOn(socket: SocketHandle, server: Server): Server {
  const door = createServer((connection) => server.emit('connection', connection));
  door.listen(socket);
  socket.listen(backlog);
  return door;
}

/** As `net` does it: `http.Server.close` would cut idle connections at once, with requests on their way. */
function close(door: Server): void {
  Server.prototype.close.call(door);
}

/**
 * Takes the connections that wait and closes the socket at a moment when none does: that would reset them. What is taken
 * is not read until then: callers who come again as soon as they have their answer are all held after a while, nobody
 * comes any more, and whoever does once they are answered is refused, which is what they must hear.
 */
async function closeWhenEmpty(door: Server): Promise<void> {
  const { _handle: handle } = door as Handled;
  const accept = handle?.onconnection;
  if (handle == null || accept === undefined) return close(door);
  const held: ConnectionHandle[] = [];
  handle.onconnection = (_status, connection) => {
    if (connection !== undefined) held.push(connection);
  };
  const until = performance.now() + holdMs;
  for (let before = -1; before < held.length && performance.now() < until; ) {
    before = held.length;
    await new Promise((next) => setTimeout(next, 20));
    await nextLook();
  }
  close(door);
  for (const connection of held) accept.call(handle, 0, connection);
}

/**
 * Resolves when the event loop has looked for connections once more. A process that got no processor for a while has its
 * timers run first: they would say that nobody has come before anybody has looked.
 */
const nextLook = () => new Promise((resolve) => setImmediate(resolve));

async function connections(doors: readonly Server[]): Promise<number> {
  const counts = doors.map(
    (door) => new Promise<number>((resolve) => door.getConnections((_error, count) => resolve(count ?? 0))),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

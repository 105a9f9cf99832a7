import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { type SocketHandle, toListenError } from '../listening.js';

/**
 * What `node:cluster` itself binds with; it has no documented name. `net.Server` would also accept connections, and
 * this process must not.
 */
const { _createServerHandle: bind } = net as unknown as {
  _createServerHandle(
    address: string,
    port: number,
    family: number,
    fd: undefined,
    flags: number,
  ): SocketHandle | number;
};

/**
 * Binds the sockets that all workers listen on, and keeps them: when no worker is left for a moment, callers wait
 * instead of being refused. `localhost` may have two addresses, and is listened to at both.
 * Errors: `port-in-use`, `address-unusable`.
 */
export async function bindSockets(host: string, port: number): Promise<SocketHandle[]> {
  let addresses: { address: string; family: number }[];
  try {
    addresses = await lookup(host, { all: true });
  } catch (error) {
    throw toListenError(error, host, port);
  }
  const [first, ...others] = host === 'localhost' ? addresses : addresses.slice(0, 1);
  const main = bindAt(first!, port);
  if (typeof main === 'string') throw toListenError(systemError(main), host, port);
  const more = others.map((address) => bindAt(address, portOf(main)));
  // An address that the name has and this machine has not is nobody's loss.
  return [main, ...more.filter((handle) => typeof handle !== 'string')];
}

/** A bound socket, or the code of what the operating system says. */
function bindAt({ address, family }: { address: string; family: number }, port: number): SocketHandle | string {
  const handle = bind(address, port, family, undefined, 0);
  if (typeof handle === 'number') return getSystemErrorName(handle);
  if (port === 0 || portOf(handle) === port) return handle;
  // libuv keeps this error until somebody listens, who then would on any port.
  handle.close();
  return 'EADDRINUSE';
}

function portOf(handle: SocketHandle): number {
  const name: { port?: number } = {};
  handle.getsockname(name);
  return name.port ?? 0;
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`bind ${code}`), { code });
}

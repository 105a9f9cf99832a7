import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/**
 * Lets the reads of a socket go into one buffer that all sockets share, as Node's own parser of HTTP does: a buffer for
 * each read is a tenth of what a small request costs.
 *
 * Node offers that (`onread`) to those who connect alone. What it keeps for it is found by its names; where a release
 * has others, sockets are read as streams.
 */

interface Internals {
  _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null;
  [name: symbol]: unknown;
}

/** As many bytes as Node asks the system for at once. */
const shared = Buffer.allocUnsafeSlow(2 ** 16);

const symbols = (() => {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread: { buffer: shared, callback: () => true } };
  const probe = new Socket(options) as unknown as Internals;
  const named = Object.getOwnPropertySymbols(probe);
  const find = (name: string) => named.find(({ description }) => description === name);
  const [buffer, callback] = [find('kBuffer'), find('kBufferCb')];
  return buffer !== undefined && callback !== undefined && probe[buffer] === shared ? { buffer, callback } : undefined;
})();

/**
 * Gives `take` what comes on a socket that nobody has read from. The bytes are its until it returns.
 *
 * @returns gives the socket back: what comes from then on is read from it as from any stream
 */
export function readShared(socket: Socket, take: (piece: Buffer) => void): () => void {
  const { _handle: handle } = socket as unknown as Internals;
  if (symbols === undefined || typeof handle?.useUserBuffer !== 'function') {
    socket.on('data', take);
    return () => socket.off('data', take);
  }
  const own = socket as unknown as Internals;
  const { buffer, callback } = symbols;
  handle.useUserBuffer(shared);
  own[buffer] = shared;
  own[callback] = (bytes: number) => take(bytes === shared.length ? shared : shared.subarray(0, bytes));
  return () => {
    own[callback] = (bytes: number) => socket.push(Buffer.from(shared.subarray(0, bytes)));
  };
}

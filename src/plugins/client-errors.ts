import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';

/** Connections whose request may take as long as it needs. */
const patient = new WeakSet<Socket>();
/** Milliseconds without a byte in either direction. */
const idleMs = 60_000;

/**
 * Lets a request take longer than the server's request timeout, as long as bytes move: a large table is read no
 * faster than it is computed. A connection on which nothing moves for a minute is cut.
 */
export function waitPatiently(request: IncomingMessage): void {
  const { socket } = request;
  // A request that was injected has no connection.
  if (!(socket instanceof Socket)) return;
  patient.add(socket);
  const cut = () => socket.destroy();
  socket.setTimeout(idleMs, cut);
  const forget = () => {
    patient.delete(socket);
    socket.off('timeout', cut);
  };
  request.once('end', forget).once('close', forget);
}

const statuses: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Answers what is no HTTP, or does not arrive in time, and closes its connection; but for those that may take their time. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const { code = '' } = error;
  if (code === 'ECONNRESET' || socket.destroyed) return;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && patient.has(socket)) return;
  const status = statuses[code] ?? 400;
  const title = STATUS_CODES[status]!;
  const body = JSON.stringify({ title, status });
  if (socket.writable) {
    const head = `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n`;
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}

/**
 * Load on raw sockets, in a worker thread: a request costs the generator a write and a look at two headers, so that it
 * is not the generator that is measured. One message with the figures when it is done.
 *
 * `rate` 0 is a closed loop: each connection asks again as soon as it is answered. Any other rate is an open loop:
 * requests come when they are due, on whichever connection is free, and count from when they were due; what finds no
 * free connection within `patienceMs` is given up by its caller, unsent.
 */
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { port, requests, connections, seconds, rate, patienceMs } = workerData;
/** Sent in turn. */
const bytes = requests.map((request) => Buffer.from(request));
let turn = 0;
const began = performance.now();
const ends = began + seconds * 1000;

/** Milliseconds of answers by status. */
const times = new Map();
let unsent = 0;
let broken = 0;
let open = 0;
const free = [];
/** When the requests that wait for a connection were due. */
const due = [];
let next = 0;

function count(status, ms) {
  const list = times.get(status);
  if (list === undefined) times.set(status, [ms]);
  else list.push(ms);
}

function start() {
  const connection = { socket: connect(port, '127.0.0.1'), from: 0, text: '', missing: -1, status: 0 };
  open++;
  connection.socket.setNoDelay(true);
  connection.socket.on('connect', () => ready(connection));
  connection.socket.on('data', (chunk) => read(connection, chunk));
  connection.socket.on('error', () => undefined);
  connection.socket.on('close', () => {
    open--;
    if (connection.from > 0) broken++;
    if (performance.now() < ends) setTimeout(start, 10);
    else finish();
  });
}

/** A connection is free: for the next one that waits, or in a closed loop at once. */
function ready(connection) {
  connection.from = 0;
  const now = performance.now();
  if (now >= ends) {
    connection.socket.destroy();
    return;
  }
  if (rate === 0) send(connection, now);
  else if (next < due.length) send(connection, due[next++]);
  else free.push(connection);
}

function send(connection, from) {
  connection.from = from;
  connection.socket.write(bytes[turn]);
  turn = turn + 1 < bytes.length ? turn + 1 : 0;
}

function read(connection, chunk) {
  if (connection.missing < 0) {
    connection.text += chunk.latin1Slice();
    const end = connection.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = connection.text.slice(0, end).toLowerCase();
    const at = head.indexOf('content-length: ');
    connection.status = Number(head.slice(9, 12));
    connection.missing = Number.parseInt(head.slice(at + 16), 10) - (connection.text.length - end - 4);
    connection.text = '';
  } else connection.missing -= chunk.length;
  if (connection.missing > 0) return;
  connection.missing = -1;
  count(connection.status, performance.now() - connection.from);
  ready(connection);
}

function pace() {
  const now = performance.now();
  if (now >= ends) {
    for (const connection of free.splice(0)) connection.socket.destroy();
    return;
  }
  const wanted = Math.floor(((now - began) / 1000) * rate);
  for (; arrived < wanted; arrived++) due.push(now);
  while (next < due.length && due[next] < now - patienceMs) {
    next++;
    unsent++;
  }
  while (next < due.length && free.length > 0) send(free.pop(), due[next++]);
  if (next > 4096) {
    due.splice(0, next);
    next = 0;
  }
  setTimeout(pace, 1);
}
let arrived = 0;

function finish() {
  if (open > 0) return;
  const answers = [...times].map(([status, list]) => {
    const sorted = Float64Array.from(list).sort();
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return { status, count: list.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) };
  });
  parentPort.postMessage({ answers, unsent, broken, seconds: (performance.now() - began) / 1000 });
}

for (let i = 0; i < connections; i++) start();
if (rate > 0) pace();
// Answers that are still on their way get a moment.
setTimeout(() => process.exit(1), seconds * 1000 + 30_000).unref();

/** `raw-load.js`, from a thread of its own, and what is read off it. */
import { Worker } from 'node:worker_threads';

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second; 0: as many as are answered. */
  readonly rate?: number;
  /** Milliseconds after which a caller gives up on a request that found no connection. */
  readonly patienceMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadFigures {
  readonly answers: readonly { status: number; count: number; p50: number; p99: number; max: number }[];
  readonly unsent: number;
  readonly broken: number;
  readonly seconds: number;
}

/** Sends `body` to `url` again and again; of several, one after the other. */
export function runRawLoad(
  url: string,
  body: string | readonly string[],
  { headers = {}, connections, seconds, rate = 0, patienceMs = 1000 }: Load,
): Promise<LoadFigures> {
  const { port, pathname } = new URL(url);
  const requests = [body].flat().map((text) => {
    const lines = Object.entries({ host: 'bench', 'content-length': `${Buffer.byteLength(text)}`, ...headers });
    const head = [`POST ${pathname} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
    return `${head}\r\n\r\n${text}`;
  });
  const workerData = { port: Number(port), requests, connections, seconds, rate, patienceMs };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('raw-load.js', import.meta.url), { workerData });
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', (code) => code !== 0 && reject(new Error(`the load ended with ${code}`)));
  });
}

/** Answers of a status a second. */
export const rateOf = ({ answers, seconds }: LoadFigures, status = 200): number =>
  (answers.find((answer) => answer.status === status)?.count ?? 0) / seconds;

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

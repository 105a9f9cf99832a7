import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { syntheticUsage, type UsageEvent } from '../apps/sessions/synthetic-usage.js';
import { addEvents } from '../services/events/index.js';
import { openDatabase } from '../storage/index.js';
import { withAccounts } from './accounts-on-disk.js';

interface Flags {
  readonly events: readonly number[];
  readonly concurrent: number;
  readonly rounds: number;
  readonly json?: true;
}

const dayMs = 86_400_000;
const days = 7;
/** A Monday. */
const from = Date.UTC(2024, 0, 1);
const startMs = 60_000;

export function registerSessions(bench: Command): void {
  bench
    .command('sessions')
    .description('Measure the sessions app: so many requests at once for the same person and seven days.')
    .option('--events <counts>', 'events of the person, in that time', readCounts, [361, 4918])
    .option('--concurrent <count>', 'requests at a time', readCount, 100)
    .option('--rounds <count>', 'times that all of them are sent', readCount, 10)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Serves the app in a process of its own over a fresh SQLite database. Events are synthetic usage, stretched or squeezed
into the seven days. /livez is asked every 20 ms meanwhile.`,
    )
    .action(async (_flags: Flags, command: Command) => {
      // "bench" itself has --json, and takes it wherever it stands.
      const flags = command.optsWithGlobals<Flags>();
      const figures = await measure(flags);
      process.stdout.write(flags.json ? `${JSON.stringify(figures)}\n` : write(flags, figures));
    });
}

interface SessionFigures {
  readonly events: number;
  readonly sessions: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly livezP99Ms: number;
}

async function measure({ events, concurrent, rounds }: Flags): Promise<SessionFigures[]> {
  const data = mkdtempSync(join(tmpdir(), 'vitrina-bench-'));
  let server: Served | undefined;
  try {
    const key = await prepareUsage(data, events);
    server = await serve(data);
    const figures: SessionFigures[] = [];
    for (const count of events) {
      const target = { url: server.url, health: '/livez', headers: { 'x-api-key': key } };
      figures.push(await measureCount(target, count, concurrent, rounds));
    }
    return figures;
  } finally {
    await server?.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

/** Fills the database of a data folder, and gives an admin's key. */
export async function prepareUsage(data: string, counts: readonly number[]): Promise<string> {
  const storage = await openDatabase({ path: join(data, 'vitrina.db') });
  try {
    for (const count of counts) {
      const rows = usageOf(count).map(({ timestamp: at, ecran, instance }, i) => ({
        id: `${count}-${i}`,
        util: `util-${count}`,
        ecran,
        instance,
        at,
      }));
      await addEvents(storage, rows);
    }
  } finally {
    await storage.close();
  }
  let key = '';
  await withAccounts({ data }, async (accounts) => {
    key = (await accounts.bootstrap())?.key ?? '';
  });
  return key;
}

/** So many events of one person, in seven days. */
export function usageOf(count: number): UsageEvent[] {
  const events: UsageEvent[] = [];
  for (const event of syntheticUsage({ seed: count % 2 ** 32, people: 1, from, days: 100_000 })) {
    if (events.push(event) === count) break;
  }
  const first = events[0]!.timestamp;
  const stretch = (days * dayMs - 1) / Math.max(1, events.at(-1)!.timestamp - first);
  return events.map((event) => ({ ...event, timestamp: from + Math.floor((event.timestamp - first) * stretch) }));
}

interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** The app in a process of its own, started as this one was. */
async function serve(data: string): Promise<Served> {
  const words = ['serve', '--only', 'sessions', '--port', '0', '--data', data];
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    return { url: await addressOf(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => reject(new Error('The server did not start in time')), startMs);
    const fail = () => reject(new Error('The server ended'));
    child.once('error', reject).once('close', fail);
    child.stdout!.on('data', (chunk) => {
      printed += chunk;
      const url = / at (http:\S+) /.exec(printed)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      child.off('close', fail);
      resolve(url);
    });
  });
}

/** A server with the app's route. */
interface Target {
  readonly url: string;
  /** The path that tells whether it is well. */
  readonly health: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends `concurrent` requests at once, `rounds` times, for the person with so many events. */
async function measureCount(
  { url, health: healthPath, headers }: Target,
  events: number,
  concurrent: number,
  rounds: number,
): Promise<SessionFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
  const body = questionFor(events);
  const ask = () => send(`${url}/get_ecrans/`, agent, { ...headers, 'content-type': 'application/json' }, body);
  try {
    const first = JSON.parse((await ask()).text) as { sessions: unknown[] } | unknown[];
    // What the code costs before it is compiled is not what is measured.
    for (let i = 0; i < 20; i++) await ask();
    const health = watchHealth(`${url}${healthPath}`);
    const times: number[] = [];
    const began = performance.now();
    for (let round = 0; round < rounds; round++) {
      times.push(...(await Promise.all(Array.from({ length: concurrent }, async () => (await ask()).ms))));
    }
    const seconds = (performance.now() - began) / 1000;
    return {
      events,
      sessions: (Array.isArray(first) ? first : first.sessions).length,
      requestsPerSecond: times.length / seconds,
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
      livezP99Ms: quantile(await health(), 0.99),
    };
  } finally {
    agent.destroy();
  }
}

/** Asks for the sessions of the person with so many events, in all of the seven days or a part of them. */
export const questionFor = (events: number, first = from, last = from + days * dayMs): string =>
  JSON.stringify({ utils: [`util-${events}`], date_min: first, date_max: last });

/** Asks for the server's health every 20 ms, until it is told to stop; then it gives the milliseconds of each. */
export function watchHealth(url: string): () => Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  let going = true;
  const asking = (async () => {
    while (going) {
      times.push((await send(url, agent, {})).ms);
      await sleep(20);
    }
  })();
  return async () => {
    going = false;
    await asking;
    agent.destroy();
    return times;
  };
}

function send(
  url: string,
  agent: Agent,
  headers: Record<string, string>,
  body?: string,
): Promise<{ readonly ms: number; readonly text: string }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200) resolve({ ms: performance.now() - began, text });
        else reject(new Error(`${url}: ${response.statusCode} ${text.slice(0, 500)}`));
      });
    });
    request.once('error', reject).end(body);
  });
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function write({ concurrent, rounds }: Flags, figures: readonly SessionFigures[]): string {
  const lines = [
    `${concurrent} requests at once, ${rounds} times, each for one person and ${days} days:`,
    '',
    row('events', 'sessions', 'req/s', 'p50 ms', 'p99 ms', 'livez p99'),
    ...figures.map((one) =>
      row(
        String(one.events),
        String(one.sessions),
        one.requestsPerSecond.toFixed(1),
        one.p50Ms.toFixed(1),
        one.p99Ms.toFixed(1),
        one.livezP99Ms.toFixed(1),
      ),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const row = (...cells: readonly string[]) => cells.map((cell) => cell.padStart(11)).join('');

const mostEvents = 1_000_000;

function readCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostEvents) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${mostEvents}.`);
}

const readCounts = (text: string): number[] => text.split(',').map((part) => readCount(part.trim()));

/** Closed-loop load: each connection asks again as soon as it is answered. By wrk where it is installed, else autocannon. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLoad } from '../load.js';
import { endedChildrenCpuMs } from './process-tree.js';

export interface ClosedLoad {
  readonly url: string;
  readonly body: Buffer;
  readonly authorization: string | undefined;
  readonly connections: number;
  readonly seconds: number;
  /** A folder for the body, which wrk reads from a file. */
  readonly folder: string;
}

export interface ClosedFigures {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx, and connections that broke. */
  readonly failed: number;
  /** Cores that the load generator itself used: one thread of wrk at 1.0 would be the bottleneck. */
  readonly loadCores: number;
}

export const hasWrk = (): boolean => spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error === undefined;

let running: ChildProcess | undefined;

/** For the end of the program. */
export const stopLoad = () => void running?.kill('SIGKILL');

export function runClosedLoop(load: ClosedLoad, wrk: boolean): Promise<ClosedFigures> {
  return wrk ? runWrk(load) : runAutocannon(load);
}

async function runWrk({ url, body, authorization, connections, seconds, folder }: ClosedLoad): Promise<ClosedFigures> {
  const file = join(folder, 'body.json');
  writeFileSync(file, body);
  const script = join(import.meta.dirname, 'wrk.lua');
  const before = endedChildrenCpuMs();
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script, url];
  const env = { ...process.env, WRK_BODY: file, WRK_AUTHORIZATION: authorization ?? '' };
  const text = await new Promise<string>((resolve, reject) => {
    const child = spawn('wrk', args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    running = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
  const found = /^JSON(\{.*\})$/m.exec(text);
  if (found === null) throw new Error(`wrk said nothing that can be read: ${text.slice(-300)}`);
  const { requests, us, p50, p99, status, broken } = JSON.parse(found[1]!) as Record<string, number>;
  const elapsed = us! / 1e6;
  return {
    requests: requests!,
    requestsPerSecond: (requests! - status!) / elapsed,
    p50: p50! / 1e3,
    p99: p99! / 1e3,
    failed: status! + broken!,
    loadCores: (endedChildrenCpuMs() - before) / 1e3 / elapsed,
  };
}

async function runAutocannon(load: ClosedLoad): Promise<ClosedFigures> {
  const { url, body, authorization, connections, seconds } = load;
  const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  const before = process.cpuUsage();
  const figures = await runLoad({ url, body: body.toString(), headers, connections, seconds });
  const { user, system } = process.cpuUsage(before);
  const requests = Math.round(figures.requestsPerSecond * seconds) + figures.failed;
  return { ...figures, requests, loadCores: (user + system) / 1e6 / seconds };
}

/** Starts the built program as a user does, and reads what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { refuseCredentials } from '../credentials-in.js';

export const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'bin/vitrina.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export function run(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Finished> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
  child.stdin.end(input);
  return finish(child);
}

function finish(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
}

export interface Served {
  readonly url: string;
  /** Everything printed so far. */
  readonly printed: () => string;
  readonly key: string | undefined;
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stop(): Promise<Finished>;
}

/**
 * Starts `vitrina serve` on a free port and waits for its line. Whatever a test does with it, it must have printed no
 * credential when it ends: `finished`, and so `stop`, fails otherwise.
 */
export async function serve(args: readonly string[], data: string, env: Record<string, string> = {}): Promise<Served> {
  const child = spawn(process.execPath, [program, 'serve', ...args, '--port', '0', '--data', data], {
    env: { ...process.env, ...env },
    cwd: data,
  });
  let printed = '';
  const finished = finish(child).then((end) => {
    refuseCredentials(end.stdout + end.stderr);
    return end;
  });
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer) => {
      printed += chunk;
      const line = /^Vitrina serves .* at (http\S+) /m.exec(printed);
      if (line !== null) found(line[1]!);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', (chunk) => {
      printed += chunk;
    });
    finished.then(({ code, stderr }) => failed(new Error(`serve ended with ${code}: ${stderr}`)), failed);
  });
  return {
    url,
    child,
    finished,
    printed: () => printed,
    key: /^First admin key \(shown once\): (\S+)$/m.exec(printed)?.[1],
    stop: () => {
      child.kill('SIGTERM');
      return finished;
    },
  };
}

export interface Working {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stop(): Promise<Finished>;
}

/** Starts `vitrina work` and waits for its line. */
export async function work(args: readonly string[], data: string, env: Record<string, string> = {}): Promise<Working> {
  const child = spawn(process.execPath, [program, 'work', ...args, '--data', data], {
    env: { ...process.env, ...env },
    cwd: data,
  });
  const finished = finish(child);
  await new Promise<void>((begun, failed) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('Vitrina does jobs: ')) begun();
    });
    finished.then(({ code, stderr }) => failed(new Error(`work ended with ${code}: ${stderr}`)), failed);
  });
  return {
    child,
    finished,
    stop: () => {
      child.kill('SIGTERM');
      return finished;
    },
  };
}

export const freshFolder = () => mkdtempSync(join(tmpdir(), 'vitrina-e2e-'));

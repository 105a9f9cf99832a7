import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freshFolder, root, run, type Served, serve } from './spawn.js';

const wave = join(root, 'examples/models/wave.keras');
const running: Served[] = [];
/** What asks a server; a test that fails must not leave it asking. */
const loads: Load[] = [];

async function start(env: Record<string, string> = {}): Promise<Served> {
  const served = await serve([wave, '--workers', '2'], freshFolder(), env);
  running.push(served);
  return served;
}

afterEach(async () => {
  for (const served of running.splice(0)) {
    await served.stop();
    for (const pid of workersOf(served)) process.kill(pid, 'SIGKILL');
  }
  await Promise.all(loads.splice(0).map((one) => one.end()));
});

/** The processes that the primary started and that have not ended. */
function workersOf({ child }: Served): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/.exec(read(`/proc/${pid}/stat`)) ?? [];
      return parent === String(child.pid) && state !== 'Z';
    })
    .map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  return /^\d+ \(.*\) [^ZX]/.test(read(`/proc/${pid}/stat`));
}

/** The callers' ports of the connections to the server that the process `pid` holds. */
function callersOf(pid: number, url: string): number[] {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const callers = new Map(
    read('/proc/net/tcp')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === '01')
      .map(([, , remote, , , , , , , inode]) => [`socket:[${inode}]`, Number.parseInt(remote!.split(':')[1]!, 16)]),
  );
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return callers.get(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
    } catch {
      return [];
    }
  });
}

async function until(condition: () => boolean, ms = 30_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come to pass in time');
    await sleep(20);
  }
}

/** The body of the line that the server prints to be tried. */
function exampleOf(served: Served): string {
  return /-d '(.*)'$/m.exec(served.printed())![1]!;
}

interface Failure {
  /** A status other than 200, or the code of an error. */
  readonly what: number | string;
  /** The caller's port. */
  readonly port: number | undefined;
}

interface Load {
  readonly answered: () => number;
  readonly failures: Failure[];
  /** From now on the server may refuse connections: a caller that meets this has done. */
  stopping(): void;
  end(): Promise<void>;
}

/** Callers that ask again as soon as they have an answer, each on a connection of its own that it keeps. */
function load(served: Served, callers: number): Load {
  const body = exampleOf(served);
  const failures: Failure[] = [];
  let answered = 0;
  let over = false;
  let stopping = false;
  const callOnce = (agent: Agent) =>
    new Promise<void>((done) => {
      let port: number | undefined;
      const fail = (what: number | string) => failures.push({ what, port });
      const headers = { 'content-type': 'application/json', 'content-length': body.length, 'x-api-key': served.key };
      const call = request(`${served.url}/models/wave/predict`, { method: 'POST', agent, headers }, (response) => {
        response.resume();
        response.once('end', () => {
          if (response.statusCode === 200) answered++;
          else fail(response.statusCode!);
          done();
        });
        response.once('error', (error: NodeJS.ErrnoException) => {
          fail(error.code ?? error.message);
          done();
        });
      });
      call.once('error', (error: NodeJS.ErrnoException) => {
        if (stopping && error.code === 'ECONNREFUSED') over = true;
        else fail(error.code ?? error.message);
        done();
      });
      call.once('socket', (socket) => {
        port = socket.localPort;
        if (socket.connecting) {
          socket.once('connect', () => {
            port = socket.localPort;
          });
        }
      });
      call.end(body);
    });
  const loops = Array.from({ length: callers }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over) await callOnce(agent);
    agent.destroy();
  });
  const made: Load = {
    answered: () => answered,
    failures,
    stopping() {
      stopping = true;
    },
    async end() {
      over = true;
      await Promise.all(loops);
    },
  };
  loads.push(made);
  return made;
}

/** How many callers each worker has. */
const spreadOf = (served: Served) => workersOf(served).map((pid) => callersOf(pid, served.url).length);
const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

// Starting a server several times over takes its time on a busy machine.
describe('vitrina serve --workers', { timeout: 240_000 }, () => {
  it('answers from every worker, prints its key once, and replaces a worker that is killed or hangs', async () => {
    const served = await start({ VITRINA_HANG_TIMEOUT: '5' });
    expect(workersOf(served)).toHaveLength(2);
    expect(served.printed().match(/First admin key/g)).toHaveLength(1);
    expect(served.printed().match(/Vitrina serves/g)).toHaveLength(1);

    const calls = load(served, 32);
    await until(() => total(spreadOf(served)) === 32);

    for (const signal of ['SIGKILL', 'SIGKILL', undefined] as const) {
      const [victim] = workersOf(served).sort((a, b) => a - b);
      const before = calls.answered();
      calls.failures.length = 0;
      process.kill(victim!, 'SIGSTOP');
      const callers = callersOf(victim!, served.url);
      if (signal !== undefined) process.kill(victim!, signal);
      // One that has not reported yet is given ten times as long before it counts as hanging.
      await until(() => workersOf(served).length === 2 && !workersOf(served).includes(victim!), 90_000);
      await until(() => calls.answered() > before + 50);
      // Whoever was connected to another worker has noticed nothing.
      expect(calls.failures.filter(({ what, port }) => what !== 'ECONNRESET' || !callers.includes(port!))).toEqual([]);
    }
    await calls.end();
    expect(served.printed()).toMatch(/A worker died \(SIGKILL\)/);
    expect(served.printed()).toMatch(/A worker hangs/);
  });

  it('rolls its workers on SIGHUP and stops on SIGTERM without failing a request', async () => {
    const served = await start();
    const calls = load(served, 16);
    await until(() => calls.answered() > 50);
    const old = workersOf(served);
    served.child.kill('SIGHUP');
    await until(() => workersOf(served).length === 2 && old.every((pid) => !isAlive(pid)), 60_000);
    const before = calls.answered();
    await until(() => calls.answered() > before + 50);
    expect(calls.failures).toEqual([]);

    const began = performance.now();
    calls.stopping();
    served.child.kill('SIGTERM');
    served.child.kill('SIGINT');
    const { code, stderr } = await served.finished;
    await calls.end();
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(calls.failures).toEqual([]);
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/died|vitrina:/);
  });

  it('replaces a worker that is told to stop, once another serves', async () => {
    const served = await start();
    const calls = load(served, 8);
    await until(() => calls.answered() > 50);
    const [one] = workersOf(served);
    process.kill(one!, 'SIGTERM');
    await until(() => !isAlive(one!) && workersOf(served).length === 2);
    await calls.end();
    expect(calls.failures).toEqual([]);
  });

  it('leaves nothing behind when the primary is killed', async () => {
    const served = await start();
    const workers = workersOf(served);
    served.child.kill('SIGKILL');
    await until(() => !workers.some(isAlive), 2_000);
    const server = createServer();
    await new Promise<void>((listening, failed) => {
      server.once('error', failed).listen(Number(new URL(served.url).port), '127.0.0.1', listening);
    });
    server.close();
  });

  it('says in one line what keeps it from starting', async () => {
    const data = freshFolder();
    const busy = createServer();
    await new Promise<void>((listening) => busy.listen(0, '127.0.0.1', listening));
    const { port } = busy.address() as { port: number };
    const cases: [string[], RegExp][] = [
      [[wave, '--port', String(port), '--data', data], /is in use; stop the other server/],
      [[join(data, 'nothing-here'), '--port', '0', '--data', data], /there is no such file or folder/],
      [[wave, '--host', '203.0.113.1', '--port', '0', '--data', data], /203\.0\.113\.1/],
    ];
    for (const [args, line] of cases) {
      const { code, stderr, stdout } = await run(['serve', ...args, '--workers', '2']);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(line);
      expect(stdout).toBe('');
      expect(code).toBe(1);
    }
    busy.close();
    // A worker that the system kills while it starts.
    const args = ['serve', wave, '--workers', '2', '--port', '0', '--data', data];
    const child = spawn(process.execPath, [join(root, 'bin/vitrina.js'), ...args]);
    const served = { child } as unknown as Served;
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until(() => workersOf(served).length === 2);
    for (const pid of workersOf(served)) process.kill(pid, 'SIGKILL');
    expect(await ended).toBe(1);
    expect(stderr).toMatch(/^vitrina: The first worker ended \(SIGKILL\) before it served; .*\n$/);
  });
});

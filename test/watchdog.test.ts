import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { attachWatchdog } from '../src/watchdog.js';
import { root, run, serve } from './e2e/spawn.js';
import { scaleGraph } from './graphs.js';
import { folderOf } from './start-app.js';

const missing = ['systemd-notify', 'python3'].filter(
  (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0,
);
if (missing.length > 0) console.warn(`\nSKIPPED: the tests of the watchdog, since there is no ${missing.join(', ')}\n`);

/** Waits until `test` holds; the test's own limit ends it. */
async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((next) => setTimeout(next, 10));
}

describe.skipIf(missing.length > 0)('a service manager', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-notify-'));
  const path = join(folder, 'socket');
  let manager: ChildProcess;
  let heard: string[] = [];
  beforeAll(async () => {
    manager = spawn('python3', [join(import.meta.dirname, 'notify_socket.py'), path], { stdio: ['ignore', 'pipe', 2] });
    manager.stdout!.on('data', (chunk: Buffer) => heard.push(...String(chunk).trim().split('\n')));
    await until(() => heard.length > 0);
  });
  afterEach(() => {
    heard = [];
  });
  afterAll(() => {
    manager.kill();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['one process', []],
    ['the primary of two', ['--workers', '2']],
  ] as const)('hears of %s that it serves, lives and stops', { timeout: 60_000 }, async (_what, flags) => {
    const data = mkdtempSync(join(tmpdir(), 'vitrina-watched-'));
    const models = folderOf({ scale: scaleGraph(3) });
    const served = await serve([models, ...flags], data, { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' });
    await until(() => heard.includes('READY=1'));
    expect(heard).toContain(`STATUS=${/^Vitrina serves .*$/m.exec(served.printed())![0]}`);
    const beats = () => heard.filter((line) => line === 'WATCHDOG=1').length;
    const before = beats();
    await until(() => beats() > before + 2);
    if (flags.length === 0) {
      served.child.kill('SIGHUP');
      await until(() => served.printed().includes('one process cannot be rolled'));
    }
    expect((await served.stop()).code).toBe(0);
    await until(() => heard.includes('STOPPING=1'));
    rmSync(data, { recursive: true });
  });

  it('hears the same of a worker', { timeout: 60_000 }, async () => {
    const data = mkdtempSync(join(tmpdir(), 'vitrina-watched-'));
    const child = spawn(process.execPath, [join(root, 'bin/vitrina.js'), 'work', '--data', data], {
      env: { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' },
      cwd: data,
      stdio: 'ignore',
    });
    const ended = once(child, 'close');
    await until(() => heard.includes('READY=1') && heard.includes('WATCHDOG=1'));
    expect(heard.find((line) => line.startsWith('STATUS='))).toMatch(/^STATUS=Vitrina does jobs: /);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    await until(() => heard.includes('STOPPING=1'));
    rmSync(data, { recursive: true });
  });

  it('hears nothing from an event loop that stands still', async () => {
    const program = `import { attachWatchdog } from ${JSON.stringify(join(import.meta.dirname, '../src/watchdog.ts'))};
      attachWatchdog({ ...process.env, WATCHDOG_PID: String(process.pid) }, console.error).ready('here');
      process.stdin.once('data', () => { for (;;); });`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      env: { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '100000' },
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    await until(() => heard.filter((line) => line === 'WATCHDOG=1').length > 2);
    child.stdin.write('stop');
    // Ends only when a long time has passed without a word, of which 50 ms is the usual length.
    for (let count = -1; count !== heard.length; ) {
      count = heard.length;
      await new Promise((next) => setTimeout(next, 1_500));
    }
    child.kill('SIGKILL');
  });

  it('is not told of a process that it does not watch', async () => {
    const told: string[] = [];
    const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' };
    attachWatchdog(env, (text) => told.push(text)).ready('only once');
    await until(() => heard.includes('STATUS=only once'));
    await new Promise((next) => setTimeout(next, 300));
    expect(heard.filter((line) => line === 'WATCHDOG=1')).toEqual([]);
    expect(told).toEqual([]);
  });

  it('that cannot be told is complained of once, and fails nothing', async () => {
    const told: string[] = [];
    const env = { ...process.env, NOTIFY_SOCKET: join(folder, 'nobody'), WATCHDOG_USEC: '20000' };
    const { ready, stopping } = attachWatchdog(env, (text) => told.push(text));
    ready('here');
    stopping();
    await until(() => told.length > 0);
    await new Promise((next) => setTimeout(next, 300));
    expect(told).toEqual([expect.stringMatching(/^systemd-notify failed, .*\.$/)]);
  });

  it('that hangs is asked once at a time', async () => {
    const own = mkdtempSync(join(tmpdir(), 'vitrina-hanging-'));
    const list = join(own, 'asked');
    writeFileSync(join(own, 'systemd-notify'), `#!/bin/sh\necho $$ >>${list}\nexec sleep 60\n`);
    chmodSync(join(own, 'systemd-notify'), 0o755);
    const program = `import { attachWatchdog } from ${JSON.stringify(join(import.meta.dirname, '../src/watchdog.ts'))};
      attachWatchdog(process.env, () => undefined);
      setTimeout(() => process.exit(0), 1000);`;
    const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000', PATH: `${own}:${process.env.PATH}` };
    const words = ['--import', 'tsx', '--input-type=module', '-e', program];
    expect(spawnSync(process.execPath, words, { env, stdio: 'inherit' }).status).toBe(0);
    const asked = readFileSync(list, 'utf8').trim().split('\n');
    for (const pid of asked) process.kill(Number(pid), 'SIGKILL');
    expect(asked).toHaveLength(1);
    rmSync(own, { recursive: true });
  });
});

describe('without a service manager', () => {
  it('nobody is told, and the program ends as ever', async () => {
    const { ready, stopping } = attachWatchdog({}, () => {
      throw new Error('nobody is to be told');
    });
    ready('here');
    stopping();
    expect((await run(['--version'], '', { WATCHDOG_USEC: '1000' })).code).toBe(0);
  });
});

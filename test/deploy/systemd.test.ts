/** `deploy/systemd` as systemd itself reads it, and the commands in it as a shell runs them. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig, settings } from '../../src/config.js';

const units = join(import.meta.dirname, '../../deploy/systemd');
const services = ['vitrina.service', 'vitrina-worker.service', 'vitrina-backup.service'];
const textOf = (name: string) => readFileSync(join(units, name), 'utf8');
const missing = spawnSync('systemd-analyze', ['--version']).status !== 0;
if (missing) console.warn('\nSKIPPED: what systemd says of the units, since there is no systemd-analyze\n');

/** The values of one directive, in order. */
const valuesOf = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1]!);

const folder = mkdtempSync(join(tmpdir(), 'vitrina-units-'));
beforeAll(() => {
  for (const name of readdirSync(units)) {
    // The program is not installed where tests run.
    writeFileSync(join(folder, name), textOf(name).replaceAll('/usr/local/bin/vitrina', process.execPath));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(missing)('systemd', () => {
  it('finds nothing wrong with the units', () => {
    const paths = [...services, 'vitrina-backup.timer'].map((name) => join(folder, name));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...paths], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('would find what is wrong', () => {
    const path = join(folder, 'broken.service');
    writeFileSync(path, textOf('vitrina.service').replace('ProtectSystem=strict', 'ProtectSistem=strict'));
    expect(spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' }).stderr).toContain('ProtectSistem');
  });

  it.each(services)('gives %s an exposure of 2.0 at most, of 10', (name) => {
    const words = ['security', '--offline=true', '--threshold=20', join(folder, name)];
    const { status, stdout } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    expect([status, /Overall exposure level .*$/m.exec(stdout)?.[0]]).toEqual([0, expect.any(String)]);
  });

  it('knows the times of the timer and the user', () => {
    const [calendar] = valuesOf(textOf('vitrina-backup.timer'), 'OnCalendar');
    expect(spawnSync('systemd-analyze', ['calendar', calendar!]).status).toBe(0);
  });
});

describe('the units', () => {
  it('stop a server later than it stops by itself, and leave V8 its machine code', () => {
    const server = textOf('vitrina.service');
    expect(Number(valuesOf(server, 'TimeoutStopSec')[0])).toBeGreaterThan(
      Number(settings['stop-timeout'].fallback) + 5,
    );
    const worker = textOf('vitrina-worker.service');
    const [, ends] = /VITRINA_STOP_TIMEOUT=(\d+)/.exec(worker)!;
    expect(Number(valuesOf(worker, 'TimeoutStopSec')[0])).toBeGreaterThan(Number(ends) + 5);
    for (const name of services) expect(valuesOf(textOf(name), 'MemoryDenyWriteExecute')).toEqual([]);
  });

  it('harden the worker exactly as the server', () => {
    const hardening = (name: string) => /^NoNewPrivileges[\s\S]*(?=\n\[Install\])/m.exec(textOf(name))![0];
    expect(hardening('vitrina-worker.service')).toBe(hardening('vitrina.service'));
  });

  it('set what the server knows', () => {
    for (const name of services) {
      const words = valuesOf(textOf(name), 'Environment').join(' ').split(' ');
      const env = Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
      expect(resolveConfig({ env, databaseAlone: true }).data).toBe('/var/lib/vitrina');
    }
  });

  it('come with an example of an environment that is complete and starts', () => {
    const text = textOf('vitrina.env.example');
    const config = resolveConfig({ env: parseEnv(text) as Record<string, string> });
    expect(config).toMatchObject({ workers: 2, 'memory-budget': 1000, 'open-registration': false });
    // What is commented out is known as well.
    const names = [...text.matchAll(/^#?(VITRINA_\w+)=/gm)].map((match) => match[1]!);
    const known = Object.keys(settings).map((name) => `VITRINA_${name.toUpperCase().replaceAll('-', '_')}`);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('the backup unit', () => {
  const home = mkdtempSync(join(tmpdir(), 'vitrina-unit-run-'));
  const target = join(home, 'backups');
  afterAll(() => rmSync(home, { recursive: true }));

  /** A command as systemd hands it to the shell: `$$` is `$`, `%%` is `%`. */
  function runCommands(): void {
    for (const line of valuesOf(textOf('vitrina-backup.service'), '(?:ExecStart|ExecStartPost)')) {
      const command = line
        .replaceAll('$$', '$')
        .replaceAll('%%', '%')
        .replaceAll('/var/lib/vitrina-backups', target)
        .replaceAll('/usr/local/bin/vitrina', join(home, 'vitrina'));
      expect(spawnSync('/bin/sh', ['-c', command], { cwd: home, encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
    }
  }

  it('writes a database and the models under names of their own, and removes what is old', () => {
    mkdirSync(target);
    writeFileSync(join(home, 'vitrina'), `#!/bin/sh\nprintf '%s ' "$@" >"$4"\n`);
    chmodSync(join(home, 'vitrina'), 0o755);
    // Before anybody has uploaded a model there is no folder of them.
    runCommands();
    const [database, ...others] = readdirSync(target);
    expect(database).toMatch(/^vitrina-\d{8}T\d{6}Z\.db$/);
    expect(readFileSync(join(target, database!), 'utf8')).toBe(`backup --verify -o ${join(target, database!)} `);
    expect(others).toEqual([]);
    mkdirSync(join(home, 'models/iris'), { recursive: true });
    writeFileSync(join(home, 'models/iris/state.json'), '{}');
    spawnSync('touch', ['-d', '15 days ago', join(target, database!)]);
    runCommands();
    const archive = readdirSync(target).find((name) => /^models-\d{8}T\d{6}Z\.tar\.gz$/.test(name));
    const { stdout } = spawnSync('tar', ['-tzf', join(target, archive!)], { encoding: 'utf8' });
    expect(stdout).toContain('models/iris/state.json');
    expect(readdirSync(target).filter((name) => name.endsWith('.db'))).toHaveLength(1);
    expect(existsSync(join(target, archive!))).toBe(true);
  });
});

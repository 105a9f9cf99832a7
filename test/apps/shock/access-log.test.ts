import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccessLogOptions, openAccessLog } from '../../../src/apps/shock/access-log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shock-log-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fail = (error: Error) => {
  throw error;
};
const open = (changes: Partial<AccessLogOptions> = {}) =>
  openAccessLog({ folder, maxBytes: 1_000_000, keep: 3, stdout: null, onError: fail, ...changes });
const written = (name = 'app.log') => readFileSync(join(folder, name), 'utf8');

/** 2024-06-13 06:36:41,960 of whatever zone the test runs in. */
const moment = new Date(2024, 5, 13, 6, 36, 41, 960);

describe('the request log', () => {
  it("has the original's layout, to the character", async () => {
    const log = open();
    log.note('Starting FCV-MLAPI....', new Date(2024, 6, 12, 16, 55, 55, 43));
    log.request('/predict', 'POST', 1.4350006580352783, moment);
    await log.close();
    expect(written()).toBe(
      "2024-07-12 16:55:55,043 , INFO , Starting FCV-MLAPI....\n2024-06-13 06:36:41,960 , INFO , {'url': '/predict', 'method': 'POST', 'date': '13/06/2024 06:36:41', 'duration': 1.4350006580352783}\n",
    );
  });

  it('follows the second, also in one that was seen before', async () => {
    const log = open();
    for (const milliseconds of [0, 999, 1000, 1, 61_000])
      log.request('/', 'GET', 0, new Date(moment.getTime() - 960 + milliseconds));
    await log.close();
    expect(written().match(/^\S+ \S+/gm)).toEqual(
      ['06:36:41,000', '06:36:41,999', '06:36:42,000', '06:36:41,001', '06:37:42,000'].map(
        (time) => `2024-06-13 ${time}`,
      ),
    );
  });

  it('leaves the query out, and with it what a client may have put there', async () => {
    const log = open();
    log.request('/auth/token?password=secret&username=me', 'POST', 0.5, moment);
    await log.close();
    expect(written()).toContain("{'url': '/auth/token', ");
    expect(written()).not.toContain('secret');
  });

  it('cannot be made to hold a line that nobody wrote', async () => {
    const forged = encodeURIComponent("/x\r\n2024-06-13 06:36:41,960 , INFO , {'url': '/admin'}\u2028");
    const log = open();
    log.request(`/${forged}`, 'GET', 0.25, moment);
    log.request('/%zz%0a', 'GET', 0.25, moment);
    log.note('first\nsecond', moment);
    await log.close();
    const lines = written().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain(
      `{'url': "//x\\r\\n2024-06-13 06:36:41,960 , INFO , {'url': '/admin'}\\u2028", 'method': 'GET'`,
    );
    expect(lines[1]).toContain("{'url': '/%zz%0a', ");
    expect(lines[2]).toBe('2024-06-13 06:36:41,960 , INFO , first second');
  });

  it('rotates by size, keeps so many old files, and loses no line that it keeps', async () => {
    const log = open({ maxBytes: 2000, keep: 2 });
    for (let i = 0; i < 60; i++) {
      log.request(`/predict/${i}`, 'POST', 0.5, moment);
      if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 80));
    }
    await log.close();
    expect(readdirSync(folder).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2']);
    const kept = ['app.log.2', 'app.log.1', 'app.log'].flatMap((name) => written(name).match(/predict\/\d+/g) ?? []);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `predict/${60 - kept.length + i}`));
    expect(kept.length).toBeGreaterThan(20);
  });

  it('goes on where an earlier run stopped', async () => {
    writeFileSync(join(folder, 'app.log'), 'earlier\n');
    const log = open();
    log.note('later', moment);
    await log.close();
    expect(written()).toMatch(/^earlier\n.*later\n$/);
  });

  it('copies every line to standard output', async () => {
    const descriptor = openSync(join(folder, 'stdout'), 'w');
    const log = open({ stdout: descriptor });
    for (let i = 0; i < 500; i++) log.request('/predict', 'POST', i, moment);
    await log.close();
    closeSync(descriptor);
    expect(written('stdout')).toBe(written());
    expect(written().split('\n')).toHaveLength(501);
  });

  it('does not wait for a reader of standard output that sleeps', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const log = open({ stdout: descriptor });
    const line = 'x'.repeat(1000);
    const started = performance.now();
    for (let i = 0; i < 3000; i++) {
      log.note(line, moment);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await log.close();
    expect(performance.now() - started).toBeLessThan(5000);
    closeSync(descriptor);
    expect(written().split('\n').length + written('app.log.1').split('\n').length).toBeGreaterThan(1000);
  });

  it('tells once when the file cannot be written, and goes on', async () => {
    const blocked = join(folder, 'file');
    writeFileSync(blocked, '');
    chmodSync(blocked, 0o400);
    const errors: Error[] = [];
    const log = open({ folder: join(blocked, 'logs'), onError: (error) => errors.push(error) });
    log.request('/', 'GET', 0, moment);
    await new Promise((resolve) => setTimeout(resolve, 100));
    log.request('/', 'GET', 0, moment);
    await log.close();
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/ENOTDIR|EEXIST/);
  });
});

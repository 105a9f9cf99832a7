/** The process that decodes images, as it is bundled. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const image = join(root, 'test/fixtures/artwork/clouds.png');
const { images } = JSON.parse(readFileSync(join(root, 'test/fixtures/artwork/phash.json'), 'utf8')) as {
  images: { file: string; phash: string }[];
};

const script = `
  const { ImageExaminer } = await import('./dist/apps/artwork/image-examiner.js');
  const examiner = new ImageExaminer();
  const { perceptualHash } = await examiner.examine({ path: ${JSON.stringify(image)} });
  console.log(JSON.stringify({ perceptualHash, pids: examiner.pids }));
  if (process.argv[1] === 'stay') setInterval(() => undefined, 1_000);
`;
function start(...more: string[]) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...more], { cwd: root });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const told = new Promise<{ perceptualHash: string; pids: [number] }>((resolve) =>
    createInterface(child.stdout).once('line', (line) => resolve(JSON.parse(line))),
  );
  return { child, ended, told };
}

/** Resolves when nothing of the process is left but, perhaps, its entry in the table. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      if (/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) return;
    } catch {
      return;
    }
    await pause(20);
  }
}

describe('the bundled process that decodes images', () => {
  it('answers, and keeps nobody from ending', async () => {
    const { told, ended } = start();
    const { perceptualHash, pids } = await told;
    expect(perceptualHash).toBe(images.find(({ file }) => file === 'clouds.png')!.phash);
    expect(await ended).toBe(0);
    await gone(pids[0]);
  });

  it('ends when its server is killed', async () => {
    const { child, told, ended } = start('stay');
    const { pids } = await told;
    child.kill('SIGKILL');
    await ended;
    await gone(pids[0]);
  });
});

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder, root, type Served, serve } from './spawn.js';

/** The commands of the README's shell blocks, continuation lines joined. `npm` ones are run by continuous integration itself. */
const commands = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block]) => block!.replaceAll('\\\n', ' ').split('\n'))
  .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
  .filter((line) => line !== '' && !line.startsWith('npm '));

const folder = freshFolder();
const data = join(folder, 'data');
let served: Served;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  // The files that the README takes for granted, and an `npx` that needs no installed package.
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  cpSync(join(root, 'examples/models'), join(folder, 'models'), { recursive: true });
  cpSync(join(root, 'src/apps/spam/spam.csv'), join(folder, 'src/apps/spam/spam.csv'));
  cpSync(join(root, 'examples/models/iris/1/iris.keras'), join(folder, 'model.keras'));
  cpSync(join(root, 'examples/models/shock/1/LSTM.h5'), join(folder, 'model.h5'));
  cpSync(join(root, 'examples/models/shock/1/LSTM.h5'), join(folder, 'unknown.h5'));
  cpSync(join(root, 'examples/models/modelo/1/modelo.pkl'), join(folder, 'unknown.pkl'));
  cpSync(join(root, 'test/fixtures/sklearn/bundle.pkl'), join(folder, 'bundle.pkl'));
  cpSync(join(root, 'examples/models/iris/1/golden.json'), join(folder, 'golden.json'));
  writeFileSync(join(folder, 'settings.yaml'), 'labels: [setosa, versicolor, virginica]\n');
  for (const version of ['3', '4', '5']) {
    cpSync(join(root, 'examples/models/churn/1'), join(folder, 'models/churn', version), { recursive: true });
  }
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 2 === 0 ? 'basic' : 'family'},${i},${i % 7},${10 + i / 3}`);
  writeFileSync(join(folder, 'training.csv'), ['plan,months,calls,bill', ...rows].join('\n'));
  writeFileSync(join(folder, 'body.json'), '{"inputs": {"measurements": [[5.1, 3.5, 1.4, 0.2]]}}');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(data);
  writeFileSync(
    join(folder, 'bin/npx'),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${root}/bin/vitrina.js" "$@"\n`,
    { mode: 0o755 },
  );
  served = await serve([join(folder, 'models')], data);
  const path = `${join(folder, 'bin')}:${process.env.PATH}`;
  env = {
    ...process.env,
    PATH: path,
    KEY: served.key!,
    VITRINA_DATA: data,
    VITRINA_PASSWORD: 'correct horse battery',
    VITRINA_PORT: '0',
  };
});
afterAll(() => served.stop());

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command line; a server or worker is stopped when it has said what it does. */
function execute(command: string): Promise<Outcome> {
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd: folder, env });
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
    if (/^Vitrina (serves|does jobs)/m.test(output)) child.kill('SIGTERM');
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((done) => child.once('close', (code) => done({ code, output })));
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

describe('the README', () => {
  it('shows commands', () => {
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((command) => !/^(npx vitrina|curl|(sha|job)=\$\(.*\)$)/.test(command))).toEqual([]);
  });

  it.each(commands)('%s', async (command) => {
    const asked = command.replace('localhost:8000', served.url);
    const [, name, value] = /^(\w+)=\$\((.*)\)$/.exec(asked) ?? [];
    if (name !== undefined) {
      env[name] = (await execute(`bash -c ${quote(value!)}`)).output.trim();
      expect(env[name]).not.toBe('');
      return;
    }
    const line = command.startsWith('curl ') ? `${asked} --silent --fail-with-body` : command;
    const { code, output } = await execute(line);
    expect(output).not.toMatch(/not ready|vitrina: /);
    expect(code).toBe(0);
    if (command.includes('$job/events')) expect(output).toContain('"state":"succeeded"');
    if (command.includes('/predict ')) expect(output).toMatch(/species|leaves/);
  });
});

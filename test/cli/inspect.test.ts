import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonFixtures } from '../formats/python-values.js';
import { global, pickle, text } from '../hostile/pickle-writer.js';

const root = resolve(import.meta.dirname, '../..');
const vitrina = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });

let folder = '';
const write = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const estimator = (module: string, name: string, state: string) =>
  `${global(module, name)})\x81}(${state}${text('_sklearn_version')}${text('1.6.1')}ub`;
const scaler = estimator('sklearn.preprocessing._data', 'StandardScaler', `${text('with_mean')}\x88`);
const pipeline = estimator(
  'sklearn.pipeline',
  'Pipeline',
  `${text('steps')}](${text('scale')}${scaler}\x86${text('rest')}${text('passthrough')}\x86e${text('memory')}N`,
);

describe('vitrina inspect', { timeout: 60_000 }, () => {
  it('prints every opcode of a pickle that nobody may load, as pickletools does', () => {
    const system = pickle('\x80\x02', global('os', 'system'), text('touch PWNED'), '\x85R.');
    const { status, stdout } = vitrina('inspect', write('system.pkl', system));
    expect(status).toBe(1);
    expect(stdout).toContain('cannot be served: The pickle refers to os.system');
    expect(stdout).toContain(
      [
        '    0: \\x80 PROTO      2              Protocol version indicator.',
        "    2: c    GLOBAL     'os system'    Push a global object (module.attr) on the stack.",
        "   13: \\x8c SHORT_BINUNICODE 'touch PWNED' Push a Python Unicode string object.",
        '   26: \\x85 TUPLE1                         Build a one-tuple out of the topmost item on the stack.',
        '   27: R    REDUCE                         Push an object built from a callable and an argument tuple.',
        '   28: .    STOP                           Stop the unpickling machine.',
        'highest protocol among opcodes = 4',
      ].join('\n'),
    );
  });

  it('gives the same as JSON: position, name, argument', () => {
    const cases = JSON.parse(readFileSync(join(pythonFixtures, 'disassemblies.json'), 'utf8')) as {
      name: string;
      base64: string;
      text: string;
    }[];
    const { base64, text: printed } = cases.find(({ name }) => name === 'containers')!;
    const { stdout } = vitrina('inspect', write('c.pkl', Buffer.from(base64, 'base64')), '--json');
    const { opcodes } = JSON.parse(stdout) as { opcodes: { position: number; opcode?: string }[] };
    const expected = [...printed.matchAll(/^ *(\d+): \S+ +([A-Z_0-9]+)/gm)].map(([, at, name]) => [Number(at), name]);
    const got = opcodes.flatMap(({ position, opcode }) => (opcode === undefined ? [] : [[position, opcode]]));
    expect(got).toEqual(expected);
    expect(opcodes).toContainEqual({ position: 2, opcode: 'FRAME', argument: '31' });
  });

  it('shows the tree of estimators with their parameters', () => {
    const path = write('pipeline.pkl.gz', gzipSync(pickle('\x80\x02', pipeline, '.')));
    const { stdout } = vitrina('inspect', path, '--no-opcodes');
    expect(stdout).toContain('written by scikit-learn 1.6.1');
    expect(stdout).toContain('holds an object of class sklearn.pipeline.Pipeline');
    expect(stdout).toMatch(
      /^ {2}sklearn\.pipeline\.Pipeline\n {6}memory=None\n {4}steps\.scale {2}sklearn.*StandardScaler\n/m,
    );
    expect(stdout).toContain('with_mean=True');
    expect(stdout).not.toContain('EMPTY_TUPLE');
  });

  it('lists the members of a container, and how to name one', () => {
    const path = write('both.pkl', pickle('\x80\x02}(', text('model'), scaler, text('note'), text('x'), 'u.'));
    const { stdout } = vitrina('inspect', path, '--json');
    const { pickle: described } = JSON.parse(stdout) as { pickle: { members: object[]; estimators: object[] } };
    expect(described.members).toEqual([
      { name: 'model', what: 'StandardScaler(…)', selector: '#model' },
      { name: 'note', what: "'x'", selector: '#note' },
    ]);
    expect(described.estimators).toMatchObject([{ name: '#model', depth: 0, parameters: { with_mean: 'True' } }]);
    expect(vitrina('inspect', path).stdout).toContain(`${path}#model  StandardScaler(…)`);
  });
});

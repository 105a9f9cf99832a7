import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder, root, run, type Served, serve } from './spawn.js';

const models = join(root, 'examples/models');
const golden = JSON.parse(readFileSync(join(models, 'shock/1/golden.json'), 'utf8')) as {
  inputs: Record<string, number[][][]>;
  expected: Record<string, number[][]>;
  tolerance: number;
};

describe('the numbers', () => {
  let served: Served;
  const data = freshFolder();
  beforeAll(async () => {
    served = await serve([join(models, 'shock')], data);
  });
  afterAll(() => served.stop());

  async function overHttp(inputs: Record<string, unknown>): Promise<Record<string, number[][]>> {
    const response = await fetch(`${served.url}/models/shock/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': served.key! },
      body: JSON.stringify({ inputs }),
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { outputs: Record<string, number[][]> }).outputs;
  }

  function near(got: Record<string, number[][]>, expected: Record<string, number[][]>): void {
    for (const [name, rows] of Object.entries(expected)) {
      const values = rows.flat();
      expect(got[name]!.flat()).toHaveLength(values.length);
      for (const [i, value] of got[name]!.flat().entries()) {
        expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(golden.tolerance * (1 + Math.abs(values[i]!)));
      }
    }
  }

  it('are Keras’ own over HTTP, on the command line, alone and when 64 requests share batches', async () => {
    const { stdout, code } = await run(['predict', join(models, 'shock')], JSON.stringify({ inputs: golden.inputs }));
    expect(code).toBe(0);
    const local = (JSON.parse(stdout) as { outputs: Record<string, number[][]> }).outputs;
    near(local, golden.expected);
    expect(await overHttp(golden.inputs)).toEqual(local);

    const [input] = Object.keys(golden.inputs);
    const [output] = Object.keys(golden.expected);
    const rows = golden.inputs[input!]!.length;
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, i) => overHttp({ [input!]: [golden.inputs[input!]![i % rows]] })),
    );
    for (const [i, answer] of answers.entries()) near(answer, { [output!]: [golden.expected[output!]![i % rows]!] });
  });

  it('come with a key made on the command line while the server runs', async () => {
    const { stdout, code } = await run(['keys', 'create', '--scope', 'predict', '--data', data, '--json']);
    expect(code).toBe(0);
    const { key } = JSON.parse(stdout) as { key: string };
    const body = JSON.stringify({ inputs: golden.inputs });
    const ask = (headers: Record<string, string>) =>
      fetch(`${served.url}/models/shock/predict`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await ask({ authorization: `Bearer ${key}` })).status).toBe(200);
    expect((await ask({ 'x-api-key': key })).status).toBe(200);
    expect((await ask({})).status).toBe(401);
    expect((await fetch(`${served.url}/models`, { headers: { 'x-api-key': key } })).status).toBe(403);
  });
});

describe('vitrina', () => {
  it('converts, and what it wrote predicts the same', async () => {
    const target = join(freshFolder(), 'shock.onnx');
    const converted = await run(['convert', join(models, 'shock/1/LSTM.h5'), target, '--json']);
    expect(converted.code).toBe(0);
    expect(JSON.parse(converted.stdout)).toMatchObject({ output: target, provenance: { library: 'keras' } });
    const body = JSON.stringify({ inputs: golden.inputs });
    const [fromOnnx, fromKeras] = await Promise.all([
      run(['predict', target], body),
      run(['predict', join(models, 'shock')], body),
    ]);
    expect(fromOnnx.stderr).toBe('');
    const outputs = (text: string) => (JSON.parse(text) as { outputs: unknown }).outputs;
    expect(outputs(fromOnnx.stdout)).toEqual(outputs(fromKeras.stdout));
  });

  it('inspects what it serves and what it refuses', async () => {
    const good = await run(['inspect', join(models, 'shock/1/LSTM.h5'), '--json']);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ format: 'hdf5', library: 'keras', refusal: null });
    const text = await run(['inspect', join(models, 'shock/1/LSTM.h5')]);
    expect(text.stdout).toContain('LSTM');
    const bad = await run(['inspect', join(root, 'package.json'), '--json']);
    expect(bad.code).toBe(1);
    expect((JSON.parse(bad.stdout) as { refusal: { code: string } }).refusal.code).toBe('artefact-unrecognised');
  });

  it('verifies a model by its golden file', async () => {
    const { stdout, code } = await run(['verify', join(models, 'shock')]);
    expect(stdout).toContain('meets its golden file');
    expect(code).toBe(0);
  });

  it('has a help with examples for every command, and codes for wrong usage', { timeout: 120_000 }, async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    const names = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)]
      .map((match) => match[1]!)
      .filter((name) => name !== 'help');
    expect(names).toEqual(
      expect.arrayContaining(['serve', 'predict', 'convert', 'inspect', 'verify', 'users', 'keys']),
    );
    for (const name of names) {
      const { stdout, code } = await run([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:/);
    }
    expect((await run(['serve', '--no-such-flag'])).code).toBe(2);
    expect((await run(['no-such-command'])).code).toBe(2);
    expect((await run(['predict', join(models, 'wave.keras')], '{"inputs": 3}')).code).toBe(1);
  });
});

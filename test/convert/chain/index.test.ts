import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ArtefactPart, convertParts, type PartOrder } from '../../../src/convert/index.js';
import { VitrinaError } from '../../../src/errors.js';
import { openSession } from '../../../src/runtime/index.js';
import { checkGuards } from '../../../src/services/predictions/prediction-service.js';
import type { Conversion } from '../../../src/signature.js';
import type { Tensor } from '../../../src/tensor.js';
import { scaleGraph } from '../../graphs.js';

const folder = join(import.meta.dirname, '../../fixtures/chains');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  rows: Record<string, number>[];
  scaled: number[][];
  predict: string[];
  predict_proba: number[][];
  texts: string[];
  spam: number[][];
};

const part = (name: string): ArtefactPart => {
  const [file = '', member] = name.split('#');
  return { bytes: readFileSync(join(folder, file)), file, member };
};
const convert = (names: readonly string[], order: PartOrder = 'given') => convertParts(names.map(part), order);
const table: Tensor = {
  dtype: 'float64',
  shape: [expected.rows.length, 3],
  data: Float64Array.from(expected.rows.flatMap(({ a, b, c }) => [a!, b!, c!])),
};

async function run({ graph, featurizers = [], guards = [] }: Conversion, inputs: Record<string, Tensor>) {
  const session = await openSession(graph, 'inline', { featurizers });
  try {
    return checkGuards(guards, await session.run(inputs));
  } finally {
    await session.close();
  }
}

async function refusalOf(names: readonly string[], order: PartOrder): Promise<string> {
  try {
    await convert(names, order);
  } catch (error) {
    if (error instanceof VitrinaError) return error.message;
    throw error;
  }
  return 'none';
}

const close = (got: ArrayLike<number>, wanted: readonly number[], digits = 12) => {
  expect(got.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries()) expect(got[i]).toBeCloseTo(value, digits);
};

describe('several artefacts as one model', () => {
  it.each([[['scaler.pkl', 'model.pkl']], [['bundle.pkl#scaler', 'bundle.pkl#model']]])(
    'answers as the estimators do one after the other: %s',
    async (names) => {
      const conversion = await convert(names);
      const outputs = await run(conversion, { X: table });
      expect(outputs.predict!.data).toEqual(expected.predict);
      close(outputs.predict_proba!.data as Float64Array, expected.predict_proba.flat());
      expect(conversion.signature.inputs[0]).toMatchObject({ name: 'X', columns: ['a', 'b', 'c'] });
      expect(conversion.provenance.notes).toEqual([]);
    },
  );

  it('feeds texts through a vectorizer', async () => {
    const texts: Tensor = { dtype: 'string', shape: [3], data: expected.texts };
    const outputs = await run(await convert(['vectorizer.pkl', 'spam.pkl']), { text: texts });
    close(outputs.predict_proba!.data as Float64Array, expected.spam.flat());
  });

  it('joins a transformer with a network, and casts to the type of the network', async () => {
    const { graph } = scaleGraph(3, 2, 1);
    const conversion = await convertParts([part('scaler.pkl'), { bytes: graph, file: 'net.onnx' }], 'given');
    expect(conversion.signature.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: [null, 3] }]);
    const { y } = await run(conversion, { X: table });
    close(
      y!.data as Float32Array,
      expected.scaled.flat().map((value) => value * 2 + 1),
      5,
    );
    const gap = { ...table, data: (table.data as Float64Array).map((value, i) => (i === 4 ? Number.NaN : value)) };
    expect((await run(conversion, { X: gap })).y!.data[4]).toBeNaN();
  });

  it('finds the one order that fits, and says so', async () => {
    const conversion = await convert(['model.pkl', 'scaler.pkl'], 'find');
    expect((await run(conversion, { X: table })).predict!.data).toEqual(expected.predict);
    expect(conversion.provenance.notes).toEqual([
      'scaler.pkl → model.pkl are one model here, since each gives what the next takes; write "pipeline: [scaler.pkl, model.pkl]" into model.yaml to settle it, or "artefact: model.pkl" to serve that file alone.',
    ]);
  });

  it('refuses what fits in two orders, with the lines to write', async () => {
    expect(await refusalOf(['scaler.pkl', 'minmax.pkl', 'model.pkl'], 'find')).toBe(
      'There are 3 artefacts (scaler.pkl, minmax.pkl, model.pkl), and they fit in more than one order; write "artefact: model.pkl" into model.yaml to serve one alone, or "pipeline: [scaler.pkl, minmax.pkl, model.pkl]" for their order.',
    );
  });

  it('refuses what fits in no order: other columns, two models, transformers alone', async () => {
    expect(await refusalOf(['foreign.pkl', 'named.pkl'], 'find')).toContain('no order in which each gives');
    expect(await refusalOf(['named.pkl', 'model.pkl'], 'find')).toContain('no order');
    expect(await refusalOf(['scaler.pkl', 'minmax.pkl'], 'find')).toContain('no order');
    expect(await refusalOf(['vectorizer.pkl', 'model.pkl'], 'given')).toContain('fitted on 3 features');
  });

  it('serves the last alone where a companion does not fit, or is no pickle that may be read', async () => {
    const foreign = await convert(['foreign.pkl', 'named.pkl'], 'find-or-last');
    expect(foreign.provenance.components).toEqual(['LogisticRegression']);
    const hostile: ArtefactPart = { bytes: Buffer.from("cposix\nsystem\n(S'true'\ntR."), file: 'scaler.pkl' };
    const alone = await convertParts([hostile, part('model.pkl')], 'find-or-last');
    expect(alone.provenance.components).toEqual(['LogisticRegression']);
    expect(alone.provenance.notes).toEqual([]);
  });

  it('refuses a network in the middle, one of another width, and one of another release of the operators', async () => {
    const net = { bytes: scaleGraph(3).graph, file: 'net.onnx' };
    await expect(convertParts([net, part('model.pkl')], 'given')).rejects.toThrow('only the last of a pipeline');
    const wide = { bytes: scaleGraph(4).graph, file: 'net.onnx' };
    await expect(convertParts([part('scaler.pkl'), wide], 'given')).rejects.toThrow(
      'scaler.pkl gives 3 numbers a row, and net.onnx takes [?, 4] of float32',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { convertKeras } from '../../../src/convert/keras/index.js';
import { dense } from '../../../src/convert/keras/layers/dense.js';
import { registerLayers } from '../../../src/convert/keras/registry.js';
import type { JsonObject } from '../../../src/formats/json.js';
import { openSession } from '../../../src/runtime/index.js';
import { functional } from './models.js';

const call = (name: string) => ({
  args: [{ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } }],
  kwargs: {},
});

function layer(className: string, config: JsonObject = {}, extra: JsonObject = {}): JsonObject {
  return {
    module: 'keras.layers',
    class_name: className,
    name: 'it',
    config: { name: 'it', ...config },
    inbound_nodes: [call('x')],
    ...extra,
  };
}

const refusal = (...layers: JsonObject[]) => {
  try {
    convertKeras(functional([4, 3], ...layers));
  } catch (error) {
    return String((error as Error).message);
  }
  return 'converted';
};

const trained = { ...call('x'), kwargs: { training: true } };

it('a call in training mode is one of prediction in Keras 3, which overrides it', () => {
  expect(refusal(layer('Dropout', { rate: 0.5 }, { inbound_nodes: [trained] }))).toBe('converted');
});

describe('a free axis that is shorter than what is taken from it', () => {
  // What Keras 2.15 does with ones of each length.
  const cases: [string, JsonObject, number][] = [
    ['MaxPooling1D', { pool_size: [2] }, 2],
    ['MaxPooling1D', { pool_size: [3], strides: [1] }, 3],
    ['AveragePooling1D', { pool_size: [3] }, 3],
    ['Cropping1D', { cropping: [1, 1] }, 3],
  ];
  it.each(cases)('is refused when a request comes: %s %j', async (className, config, least) => {
    const conversion = convertKeras(functional([null, 2], layer(className, config)));
    expect(conversion.hazard).toBeUndefined();
    const session = await openSession(conversion.graph, 'inline');
    const run = (length: number) =>
      session.run({ x: { dtype: 'float32', shape: [1, length, 2], data: new Float32Array(2 * length).fill(1) } });
    for (let length = 1; length < least; length++) {
      await expect(run(length)).rejects.toMatchObject({
        code: 'runtime-rejected',
        message: expect.stringContaining(`it_needs_${least}`),
      });
    }
    const { it: result } = await run(least);
    expect([result!.shape, ...(result!.data as Float32Array)]).toEqual([[1, 1, 2], 1, 1]);
    await session.close();
  });
});

describe('a model is refused by name', () => {
  it('for a class that is not supported', () => {
    expect(refusal(layer('ConvLSTM9D'))).toMatch(/"it" \(ConvLSTM9D\)/);
  });

  it('for a custom class under the name of one of Keras', () => {
    expect(refusal(layer('Dense', { units: 2 }, { registered_name: 'Mine>Dense' }))).toMatch(/Mine>Dense/);
  });

  it('for a Lambda, saying what to do', () => {
    expect(refusal(layer('Lambda', { function: 'x' }))).toMatch(/Lambda is Python code.*keras\.ops/);
  });

  it('for an option that is not known', () => {
    expect(refusal(layer('LSTM', { units: 2, new_option: 3 }))).toMatch(/new_option = 3/);
    expect(refusal(layer('Dropout', { rate: 0.5, new_option: null }))).toBe('converted');
  });

  it('for an option of the wrong type', () => {
    expect(refusal(layer('Dense', { units: 'many' }))).toMatch(/units = "many" should be an integer/);
  });

  it('for state that outlives a request', () => {
    expect(refusal(layer('GRU', { units: 2, stateful: true }))).toMatch(/stateful=True makes its answers depend/);
  });

  it('for a call in training mode', () => {
    const model = functional([4, 3], layer('Dropout', { rate: 0.5 }, { inbound_nodes: [trained] }));
    expect(() => convertKeras({ ...model, version: '2.15.0' })).toThrow(/training=True/);
  });

  it('for an argument of a call that no one reads', () => {
    const extra = { inbound_nodes: [{ ...call('x'), kwargs: { temperature: 2 } }] };
    expect(refusal(layer('Activation', { activation: 'relu' }, extra))).toMatch(/temperature/);
  });

  it('for an activation of the user’s own', () => {
    expect(refusal(layer('Activation', { activation: 'my_relu' }))).toMatch(/"my_relu" is not one of Keras' own/);
  });

  it('for a policy that is not computed here', () => {
    expect(refusal(layer('Activation', { activation: 'relu', dtype: 'mixed_bfloat16' }))).toMatch(/mixed_bfloat16/);
  });

  it('for a version of Keras from before', () => {
    const source = { ...functional([3], layer('Dropout')), version: '1.2.2' };
    expect(() => convertKeras(source)).toThrow(/Keras 1\.2\.2/);
  });

  it('for a layer that needs its own output', () => {
    expect(refusal(layer('Dropout', {}, { inbound_nodes: [call('it')] }))).toMatch(/damaged/);
  });

  it('for two layers of one name', () => {
    expect(refusal(layer('Dropout'), layer('Dropout'))).toMatch(/two layers are called "it"/);
  });
});

describe('a hostile model', () => {
  it('that doubles its calls at every nesting is stopped', () => {
    let model: JsonObject = layer('Dropout');
    for (let depth = 0; depth < 24; depth++) {
      const twice = { ...model, name: 'it', inbound_nodes: [call('x'), call('it')] } as JsonObject;
      const { architecture } = functional([4, 3], twice);
      // Among the ends of a model, Keras 3 counts the making of a nested one as its call 0.
      const second = depth === 0 ? 1 : 2;
      const config = { ...(architecture.config as JsonObject), output_layers: [['it', second, 0]] };
      model = { ...architecture, config };
    }
    const source = { ...functional([4, 3], layer('Dropout')), architecture: model };
    expect(() => convertKeras(source)).toThrow(/calls layers more than/);
  });
});

it('refuses two converters for one class', () => {
  expect(() => registerLayers([dense, dense])).toThrow(/Dense/);
});

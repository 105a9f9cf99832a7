import { describe, expect, it } from 'vitest';
import { toCategories } from '../../../src/convert/sklearn/categories.js';
import { Estimator } from '../../../src/convert/sklearn/estimator.js';
import { convertSklearn } from '../../../src/convert/sklearn/index.js';
import { PythonGlobal, type PythonValue } from '../../../src/formats/pickle/index.js';
import { openSession } from '../../../src/runtime/index.js';
import { readRows } from '../../../src/services/predictions/json-tensors.js';
import { checkGuards } from '../../../src/services/predictions/prediction-service.js';
import { missingTexts } from '../../../src/signature.js';
import { estimatorOf } from './evaluate.js';

const className = 'sklearn.preprocessing._encoders.OrdinalEncoder';
const read = (items: PythonValue) => toCategories(new Estimator(estimatorOf(className, {})), items, 'categories_');

describe('categories', () => {
  it('are texts, numbers or booleans, with what is missing among them', () => {
    expect(read(['b', 'a', ''])).toEqual({ type: 'text', keys: ['b', 'a', ''], missing: undefined });
    expect(read(['a', null])).toEqual({ type: 'text', keys: ['a', missingTexts.None], missing: 'None' });
    expect(read(['a', Number.NaN])).toEqual({ type: 'text', keys: ['a', missingTexts.NaN], missing: 'NaN' });
    expect(read([1n, 2.5, Number.NaN])).toEqual({ type: 'number', keys: [1, 2.5, Number.NaN], missing: 'NaN' });
    expect(read([false, true])).toEqual({ type: 'boolean', keys: [0, 1], missing: undefined });
  });

  it.each<[PythonValue, string]>([
    [['a', 1n], 'one type a column'],
    [[new Uint8Array([1])], 'one type a column'],
    [['a', null, Number.NaN], 'both None and nan'],
    [['a', 'a'], 'a category twice'],
    [[2n ** 60n + 1n], 'one type a column'],
    [7n, 'should be lists'],
  ])('are refused otherwise: %#', (items, message) => {
    expect(() => read(items)).toThrow(message);
  });
});

describe('an encoder', () => {
  const encoder = (version: string, attributes: Record<string, PythonValue> = {}) =>
    convertSklearn(
      estimatorOf(
        className,
        {
          categories_: [
            ['a', 'b'],
            [0n, 7n],
          ],
          dtype: new PythonGlobal('numpy', 'float64', 'value'),
          handle_unknown: 'error',
          ...attributes,
        },
        version,
      ),
      { format: 'pickle' },
    );
  async function encode(conversion: ReturnType<typeof encoder>, x0: unknown, x1: unknown): Promise<number[]> {
    const session = await openSession(conversion.graph, 'inline');
    try {
      const outputs = await session.run(readRows(conversion.signature, [{ x0, x1 }]));
      return Array.from(checkGuards(conversion.guards ?? [], outputs).transform!.data as Float64Array);
    } finally {
      await session.close();
    }
  }

  it('knows its categories, and minus zero as zero', async () => {
    expect(await encode(encoder('1.6.1'), 'b', -0)).toEqual([1, 0]);
    await expect(encode(encoder('1.6.1'), 'c', 7)).rejects.toThrow('(columns x0, x1)');
  });

  it('takes a missing value since 0.24, as one more that it does not know', async () => {
    const lenient = { handle_unknown: 'use_encoded_value', unknown_value: -1n };
    expect(await encode(encoder('1.6.1', lenient), null, null)).toEqual([-1, -1]);
    await expect(encode(encoder('0.23.2'), null, 7)).rejects.toThrow('[0].x0: expected a text, got null');
    await expect(encode(encoder('0.23.2'), 'a', null)).rejects.toThrow('[0].x1: expected a number, got null');
  });
});

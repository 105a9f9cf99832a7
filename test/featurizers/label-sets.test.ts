import { describe, expect, it } from 'vitest';
import { prepareFeaturizers } from '../../src/featurizers/index.js';

const spec = (classes: unknown) => ({
  kind: 'label-sets',
  input: 'X',
  indices: 'i',
  values: 'v',
  parameters: { classes },
});
function columnsOf(classes: unknown, rows: readonly unknown[]): number[][] {
  const data = rows.map((row) => JSON.stringify(row));
  const { i, v } = prepareFeaturizers([spec(classes)])({ X: { dtype: 'string', shape: [data.length], data } });
  const width = i!.shape[1]!;
  return rows.map((_, row) =>
    Array.from(i!.data.slice(row * width, (row + 1) * width) as BigInt64Array, Number).filter(
      (_place, k) => v!.data[row * width + k] === 1,
    ),
  );
}

describe('label sets', () => {
  it('mark each class once, whatever the order, and pass over what is no class', () => {
    expect(columnsOf(['a', 'b', 'ç'], [['ç', 'a', 'ç'], [], ['x', 'b'], ['']])).toEqual([[0, 2], [], [1], []]);
  });

  it('tell the text "1" from the number, as Python does, and not the number from True', () => {
    expect(columnsOf([0, 1, 2.5], [[1, 2.5], ['1'], [true, false], [null]])).toEqual([[1, 2], [], [0, 1], []]);
  });

  it('need classes', () => {
    expect(() => prepareFeaturizers([spec([null])])).toThrow(TypeError);
    expect(() => prepareFeaturizers([spec(undefined)])).toThrow(TypeError);
  });
});

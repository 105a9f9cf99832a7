/** Converts an estimator made of attributes, and runs it on rows of numbers. */
import { convertSklearn } from '../../../src/convert/sklearn/index.js';
import { NumpyArray, type PythonValue } from '../../../src/formats/pickle/index.js';
import { openSession } from '../../../src/runtime/index.js';
import type { Conversion } from '../../../src/signature.js';
import { estimatorOf } from './evaluate.js';

/** A NumPy array of float64, row-major. */
export function array(data: readonly number[], shape: readonly number[] = [data.length]): NumpyArray {
  return new NumpyArray({ kind: 'tensor', tensor: { dtype: 'float64', shape, data: Float64Array.from(data) } });
}

/** A NumPy array of texts. */
export function texts(...data: string[]): NumpyArray {
  return new NumpyArray({ kind: 'tensor', tensor: { dtype: 'string', shape: [data.length], data } });
}

export function convert(
  className: string,
  attributes: Readonly<Record<string, PythonValue>>,
  version?: string,
): Conversion {
  return convertSklearn(estimatorOf(className, attributes, version), { format: 'pickle' });
}

/** Every output by its name, booleans of guards included, as plain numbers and texts. */
export async function run(
  conversion: Conversion,
  rows: readonly (readonly number[])[],
): Promise<Record<string, readonly (number | string)[]>> {
  const session = await openSession(conversion.graph, 'inline');
  try {
    const shape = [rows.length, rows[0]!.length];
    const outputs = await session.run({ X: { dtype: 'float64', shape, data: Float64Array.from(rows.flat()) } });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [
        name,
        Array.from(data as ArrayLike<number | bigint | string>, (item) =>
          typeof item === 'bigint' ? Number(item) : item,
        ),
      ]),
    );
  } finally {
    await session.close();
  }
}

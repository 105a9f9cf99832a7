import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertPickle } from '../../../../src/convert/index.js';
import { run } from '../run-estimator.js';

interface Case {
  readonly name: string;
  /** Deflated, in base64. */
  readonly pickle: string;
  readonly columns: number;
  readonly rows: readonly (number | string)[];
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
}

const folder = join(import.meta.dirname, '../../../fixtures/trees');

describe.each(readdirSync(folder))('trees and ensembles of scikit-learn %s', (file) => {
  const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[];
  it.each(cases)('give the same: $name', async ({ pickle, columns, rows, outputs }) => {
    const conversion = convertPickle(Buffer.from(pickle, 'base64'));
    const values = rows.map(Number);
    const table = Array.from({ length: values.length / columns }, (_, i) =>
      values.slice(i * columns, (i + 1) * columns),
    );
    const got = await run(conversion, table);
    for (const [name, expected] of Object.entries(outputs)) {
      const result = got[name]!;
      expect(result).toHaveLength(expected.length);
      for (const [i, wanted] of expected.entries()) {
        if (typeof result[i] === 'string') expect(result[i]).toBe(wanted);
        else expect(Math.abs(Number(result[i]) - Number(wanted))).toBeLessThanOrEqual(1e-12);
      }
    }
  });
});

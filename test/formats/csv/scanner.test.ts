import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { readCsv } from '../../../src/formats/csv/index.js';
import { CsvScanner } from '../../../src/formats/csv/scanner.js';

const limits = { recordBytes: 1000, cells: 100 };

/** All records of a text that arrives in pieces which end at `cuts`. */
function scan(text: string, cuts: readonly number[] = [], own = limits): { cells: string[]; line: number }[] {
  const bytes = Buffer.from(text);
  const scanner = new CsvScanner(own);
  const records: { cells: string[]; line: number }[] = [];
  const take = () => {
    while (scanner.next()) records.push({ cells: scanner.texts(), line: scanner.line });
  };
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    scanner.push(bytes.subarray(from, end));
    take();
    from = end;
  }
  scanner.end();
  take();
  return records;
}

const outcome = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error instanceof VitrinaError ? error.message : error;
  }
};

describe('CSV that arrives in pieces', () => {
  it('reads, and refuses, what readCsv does, wherever the pieces end', () => {
    const text = fc.oneof(
      fc.stringMatching(/^[a1,"\r\n\0é]{0,30}$/),
      fc
        .array(
          fc.array(fc.constantFrom('1', '-2.5', '"a,b"', '"x\ny"', '"q""q"', '', ' z '), {
            minLength: 2,
            maxLength: 2,
          }),
        )
        .map((rows) => rows.map((cells) => cells.join(',')).join('\r\n')),
    );
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 4 }), (given, cuts) => {
        expect(outcome(() => scan(given, cuts))).toEqual(outcome(() => readCsv(given)));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads a byte order mark and the last line without an end', () => {
    expect(scan('\uFEFFa,b\n1,2')).toEqual([
      { cells: ['a', 'b'], line: 1 },
      { cells: ['1', '2'], line: 2 },
    ]);
  });

  it('names the line whose bytes are not UTF-8', () => {
    const scanner = new CsvScanner(limits);
    expect(() => scanner.push(Buffer.from([0x61, 0x0a, 0x62, 0xff, 0x0a]))).toThrow('Line 2 ');
  });

  it('keeps no record beyond its limit', () => {
    expect(() => scan(`a\n"${'x'.repeat(2000)}`, [500])).toThrow('Line 2 of the CSV text cannot be read: it is longer');
    expect(() => scan(`a\n${'x'.repeat(2000)}`)).toThrow('longer than 1000 bytes');
    expect(() => scan(','.repeat(101))).toThrow('more than 100 cells');
  });

  it('reads records of plain numbers alone at once, and no others', () => {
    const scanner = new CsvScanner(limits);
    scanner.push(Buffer.from('a,b\n1,-2.5\r\n3e2,4\nx,5\n6,7\n8'));
    expect(scanner.next()).toBe(true);
    const into = new Float64Array(6);
    const offsets = Int32Array.of(1, 0);
    expect(scanner.nextNumbers(into, 0, offsets)).toBe(true);
    expect(scanner.nextNumbers(into, 2, offsets)).toBe(true);
    expect([...into]).toEqual([-2.5, 1, 4, 300, 0, 0]);
    expect(scanner.nextNumbers(into, 4, offsets)).toBe(false);
    expect([scanner.next(), scanner.texts(), scanner.line]).toEqual([true, ['x', '5'], 4]);
    expect([scanner.nextNumbers(into, 4, offsets), scanner.line]).toEqual([true, 5]);
    expect([scanner.nextNumbers(into, 4, offsets), scanner.next()]).toEqual([false, false]);
  });
});

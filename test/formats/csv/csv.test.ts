import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { readCsv, writeCsv } from '../../../src/formats/csv/index.js';

const cellsOf = (text: string | Uint8Array) => readCsv(text).map(({ cells }) => cells);

describe('CSV', () => {
  it.each<[string, string, string[][]]>([
    [
      'LF',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF, and no line end at the end',
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'quotes',
      '"a ""b""","c,\r\nd"\n1,""\n',
      [
        ['a "b"', 'c,\r\nd'],
        ['1', ''],
      ],
    ],
    [
      'empty cells and spaces',
      ',a , b\n,,\n',
      [
        ['', 'a ', ' b'],
        ['', '', ''],
      ],
    ],
    ['blank lines', '\n\na\n\r\n1\n\n', [['a'], ['1']]],
    ['one empty quoted cell', 'a\n""\n', [['a'], ['']]],
    ['a byte order mark', '\uFEFFa\n1', [['a'], ['1']]],
    ['nothing', '', []],
  ])('reads %s', (_name, text, expected) => {
    expect(cellsOf(text)).toEqual(expected);
    expect(cellsOf(Buffer.from(text))).toEqual(expected);
  });

  it('names the line on which a record starts', () => {
    expect(readCsv('a,b\n"x\ny",1\n\nz,2\n').map(({ line }) => line)).toEqual([1, 2, 5]);
  });

  it.each([
    ['a,b\n1\n', 2, /1 cells, and the lines before it 2/],
    ['a\n"b', 2, /never closed/],
    ['a\n"b"c', 2, /follows a closing quote/],
    ['a\nb"c', 2, /inside a cell/],
    ['a\rb', 1, /carriage return/],
    ['a\n\0', 2, /zero byte/],
  ])('refuses %j', (text, line, message) => {
    expect(() => readCsv(text)).toThrow(message);
    expect(() => readCsv(text)).toThrow(`Line ${line} `);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => readCsv(Buffer.from([0x61, 0xff, 0x0a]))).toThrow('not UTF-8');
  });

  it('reads what it wrote, whatever the cells are', () => {
    const cell = fc.oneof(fc.string(), fc.stringMatching(/^[a",\r\n]{0,6}$/));
    const table = fc
      .integer({ min: 1, max: 5 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width })));
    fc.assert(
      fc.property(table, (records) => {
        expect(cellsOf(writeCsv(records))).toEqual(records);
      }),
      { numRuns: 500 },
    );
  });

  it('answers any text with records of one width or with a refusal', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', ',', '"', '\n', '\r', '\0', 'é'), { maxLength: 40 }), (parts) => {
        try {
          const widths = new Set(cellsOf(parts.join('')).map(({ length }) => length));
          expect(widths.size).toBeLessThan(2);
        } catch (error) {
          expect(error).toBeInstanceOf(VitrinaError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

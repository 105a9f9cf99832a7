/**
 * Comma-separated values, as RFC 4180 has them: cells separated by commas, records by line ends, a cell with commas,
 * quotes or line ends in double quotes, a quote in it doubled. Beyond the text of the RFC: a byte order mark is passed
 * over, lines may end in LF alone, and blank lines are no records (as pandas reads them).
 * Specification: https://www.rfc-editor.org/rfc/rfc4180
 */
import { isUtf8 } from 'node:buffer';
import { VitrinaError } from '../../errors.js';

export interface CsvRecord {
  readonly cells: readonly string[];
  /** Line of the text on which it starts, from 1. */
  readonly line: number;
}

const [comma, quote, lf, cr] = [0x2c, 0x22, 0x0a, 0x0d];

/**
 * Records in order, all equally wide. Cells come as they are written, spaces included.
 *
 * @throws VitrinaError `csv-malformed`, which names the line
 */
export function readCsv(input: string | Uint8Array): CsvRecord[] {
  const text = decode(input);
  const records: CsvRecord[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const started = line;
    const cells: string[] = [];
    const blank = text.charCodeAt(at) === lf || text.charCodeAt(at) === cr;
    for (;;) {
      let cell: string;
      if (text.charCodeAt(at) === quote) {
        const end = closingQuote(text, at, started);
        cell = text.slice(at + 1, end).replaceAll('""', '"');
        line += countLineEnds(text, at, end);
        at = end + 1;
      } else {
        const end = cellEnd(text, at, started);
        cell = text.slice(at, end);
        at = end;
      }
      cells.push(cell);
      const next = text.charCodeAt(at);
      if (next === comma) {
        at++;
        continue;
      }
      if (at < text.length && next !== lf && !(next === cr && text.charCodeAt(at + 1) === lf)) {
        throw malformed(line, 'text follows a closing quote; double every quote inside a quoted cell');
      }
      at += next === cr ? 2 : 1;
      line++;
      break;
    }
    if (blank) continue;
    const width = records[0]?.cells.length ?? cells.length;
    if (cells.length !== width) {
      throw malformed(started, `it has ${cells.length} cells, and the lines before it ${width}`);
    }
    records.push({ cells, line: started });
  }
  return records;
}

/** One line a record, cells quoted where they must be. Ends with a line end. */
export function writeCsv(records: Iterable<readonly string[]>): string {
  let text = '';
  for (const cells of records) text += `${cells.map((cell) => writeCsvCell(cell, cells.length)).join(',')}\r\n`;
  return text;
}

/** One cell of a record of `width`, quoted where it must be. */
export function writeCsvCell(cell: string, width: number): string {
  // A record of one empty cell would read as a blank line.
  const needed = /[",\r\n\0\uFEFF]/.test(cell) || (cell === '' && width === 1);
  return needed ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function decode(input: string | Uint8Array): string {
  if (typeof input === 'string') return input;
  if (!isUtf8(input)) throw malformed(1, 'its bytes are not UTF-8; save it as "CSV UTF-8"');
  return Buffer.from(input.buffer, input.byteOffset, input.length).toString('utf8');
}

/** Where the quoted cell that starts at `from` has its closing quote. */
function closingQuote(text: string, from: number, line: number): number {
  let at = from + 1;
  for (;;) {
    const found = text.indexOf('"', at);
    if (found < 0) throw malformed(line, 'a quote is opened and never closed');
    if (text.charCodeAt(found + 1) !== quote) return found;
    at = found + 2;
  }
}

/** The end of the cell without quotes that starts at `from`: a comma, a line end or the end of the text. */
function cellEnd(text: string, from: number, line: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === comma || code === lf) return at;
    if (code === cr) {
      if (text.charCodeAt(at + 1) === lf) return at;
      throw malformed(line, 'a carriage return stands alone; end lines with LF or CRLF');
    }
    if (code === quote) throw malformed(line, 'a quote stands inside a cell; put the whole cell in quotes');
    if (code === 0) throw malformed(line, 'it holds a zero byte');
  }
  return at;
}

function countLineEnds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function malformed(line: number, problem: string): VitrinaError {
  return new VitrinaError('csv-malformed', { line, problem });
}

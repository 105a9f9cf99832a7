/** A table of training rows, read from the records of a CSV file: columns by name, numbers or reasons. */
import { nearest } from '../config.js';
import { VitrinaError } from '../errors.js';
import type { CsvRecord } from '../formats/csv/index.js';
import { parseDecimal } from '../formats/decimal.js';
import { type Labels, readLabels } from './labels.js';
import type { Matrix } from './matrix.js';
import type { Names } from './train.js';

export class TrainingTable {
  /** Names of the columns, from the first record. */
  private readonly header: readonly string[];
  private readonly rows: readonly CsvRecord[];

  /** @throws VitrinaError `training-data-invalid` without rows, or with two columns of one name */
  constructor(records: readonly CsvRecord[]) {
    const [header, ...rows] = records;
    if (header === undefined || rows.length === 0) {
      throw invalid('it has no rows; the first line names the columns, each line after it is a row');
    }
    this.header = header.cells.map((name) => name.trim());
    this.rows = rows;
    const twice = this.header.find((name, i) => name !== '' && this.header.indexOf(name) !== i);
    if (twice !== undefined) throw invalid(`two columns are called "${twice}"; rename one`);
    const only = this.header.length === 1 ? /[;\t|]/.exec(this.header[0]!) : null;
    if (only !== null)
      throw invalid(`its cells seem to be separated by ${JSON.stringify(only[0])}; save it with commas`);
  }

  /** `features`, or every column but the target. @throws VitrinaError `training-data-invalid` for a name it has not */
  names(target: string, features?: readonly string[]): Names {
    const chosen = features ?? this.header.filter((name) => name !== target);
    for (const name of [target, ...chosen]) {
      if (this.header.includes(name)) continue;
      const near = nearest(name, this.header);
      const known =
        near === undefined ? `the columns are ${this.header.slice(0, 20).join(', ')}` : `the nearest is "${near}"`;
      throw invalid(`there is no column "${name}"; ${known}`);
    }
    const twice = chosen.find((name, i) => name === target || chosen.indexOf(name) !== i);
    if (chosen.includes('')) throw invalid('a column has no name; write one into the first line');
    if (twice !== undefined)
      throw invalid(`the column "${twice}" is named twice; a column is one feature, or the target`);
    if (chosen.length === 0) throw invalid('there is no column beside the target to learn from');
    return { target, features: chosen };
  }

  /** [rows, names.length]. @throws VitrinaError `training-data-invalid`, which names line and column of what is no number */
  matrix(names: readonly string[]): Matrix {
    const places = names.map((name) => this.header.indexOf(name));
    const data = new Float64Array(this.rows.length * names.length);
    let at = 0;
    for (const row of this.rows) for (const place of places) data[at++] = this.number(row, place);
    return { data, rows: this.rows.length, columns: names.length };
  }

  /** [rows] of the column `name`. @throws VitrinaError `training-data-invalid` */
  numbers(name: string): Float64Array {
    const place = this.header.indexOf(name);
    return Float64Array.from(this.rows, (row) => this.number(row, place));
  }

  /** [rows] of the column `name`, as they are written. @throws VitrinaError `training-data-invalid` for an empty cell */
  texts(name: string): string[] {
    const place = this.header.indexOf(name);
    return this.rows.map(({ cells, line }) => {
      if (cells[place] === '') throw this.fault(line, place, 'is empty; give every row a text, or leave it out');
      return cells[place]!;
    });
  }

  /** The column `name` as classes. @throws VitrinaError `training-data-invalid` for an empty cell, and for numbers with fractions */
  labels(name: string): Labels {
    const place = this.header.indexOf(name);
    for (const { cells, line } of this.rows) {
      if (cells[place]!.trim() === '') throw this.fault(line, place, 'is empty; give every row a class');
    }
    const labels = readLabels(this.rows.map(({ cells }) => cells[place]!));
    if (labels.classes.dtype === 'float64' && !(labels.classes.data as Float64Array).every(Number.isInteger)) {
      throw invalid(`the column "${name}" holds numbers with fractions, which are no classes; train a regressor on it`);
    }
    return labels;
  }

  private number({ cells, line }: CsvRecord, place: number): number {
    const cell = cells[place]!;
    const value = parseDecimal(cell);
    if (value !== undefined) return value;
    const what = cell.trim() === '' ? 'is empty' : `is ${JSON.stringify(cell.slice(0, 60))}, which is no number`;
    throw this.fault(line, place, `${what}; mend it, leave the row out, or name other columns with --features`);
  }

  private fault(line: number, place: number, what: string): VitrinaError {
    return invalid(`column "${this.header[place]}" on line ${line} ${what}`);
  }
}

function invalid(problem: string): VitrinaError {
  return new VitrinaError('training-data-invalid', { problem });
}

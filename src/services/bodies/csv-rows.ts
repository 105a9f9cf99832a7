/** Rows of a CSV text, read straight into the tensors of a signature while the text arrives. */
import { type Problem, VitrinaError } from '../../errors.js';
import { CsvScanner, parsePlainDecimal } from '../../formats/index.js';
import type { Signature } from '../../signature.js';
import type { TensorData } from '../../tensor.js';
import { type FeatureColumn, FeatureReader, pathOf, storeCell } from '../predictions/features.js';
import { type ChunkRules, noRows, type RowChunk, rowProblem, tooManyRows } from './row-chunk.js';

/** More problems than this are not listed. */
const mostProblems = 20;
/** Plain numbers have 18 digits and powers of ten up to 22. */
const plainMost = 1e38;
const float32Max = 3.4028234663852886e38;

/**
 * Reads the columns that the model takes, by the names on the first line or by position, as `FeatureReader.readRecords`
 * does, in chunks. `header` says whether there is a line of names; unless it says anything, its look does.
 *
 * Errors: `csv-malformed`, `request-invalid`, `rows-over-limit`, `model-unsupported`.
 */
export async function* readCsvRows(
  pieces: AsyncIterable<Uint8Array>,
  signature: Signature,
  rules: ChunkRules,
  header?: boolean,
): AsyncGenerator<RowChunk> {
  const reader = featureReader(signature);
  const most = Math.max(1000, 4 * (reader.features.length + (signature.ignored?.length ?? 0)));
  const scanner = new CsvScanner({ recordBytes: rules.rowBytes, cells: most });
  const table = new CsvTable(reader, scanner, rules, header);
  for await (const piece of pieces) {
    scanner.push(piece);
    yield* table.chunks(false);
  }
  scanner.end();
  yield* table.chunks(true);
}

class CsvTable {
  private columns: readonly (CellReader | undefined)[] | undefined;
  /** Where the cells of a record go, when all are numbers of one table. */
  private offsets: Int32Array | undefined;
  private data: TensorData[] = [];
  private lines: Uint32Array = new Uint32Array(0);
  private rows = 0;
  private first = 0;

  constructor(
    private readonly reader: FeatureReader,
    private readonly scanner: CsvScanner,
    private readonly rules: ChunkRules,
    private readonly header: boolean | undefined,
  ) {}

  /** The chunks that the scanner's records fill; the rest of them too, unless they must wait for more. */
  *chunks(ended: boolean): Generator<RowChunk> {
    const { scanner, rules } = this;
    for (;;) {
      if (this.rows === rules.rows && rules.shape !== 'whole') yield this.take();
      if (this.readNumbers()) continue;
      if (!scanner.next()) break;
      if (this.columns === undefined && this.begin()) continue;
      if (this.rows === rules.rows) throw tooManyRows(rules.rows);
      this.read();
    }
    if (ended && this.first + this.rows === 0) throw noRows('line of values');
    if (this.rows > 0 && (ended || rules.shape === 'any' || (rules.shape === 'exact' && this.rows === rules.rows))) {
      yield this.take();
    }
  }

  /** Looks at the first record; true when it is the line of names. */
  private begin(): boolean {
    const { scanner, reader } = this;
    const cells = scanner.texts();
    const named = reader.isHeader(cells, this.header);
    const places = reader.placesOf(named ? cells : cells.length);
    this.columns = Array.from(places, (place) => (place < 0 ? undefined : cellReader(reader.columns[place]!)));
    const numbers = this.columns.every(
      (column) => column?.numbers && column.tensor === 0 && column.largest > plainMost,
    );
    if (numbers) this.offsets = Int32Array.from(this.columns, (column) => column!.offset);
    return named;
  }

  /** Reads a record of plain numbers, where the model takes nothing else. */
  private readNumbers(): boolean {
    const { offsets, scanner, rows } = this;
    if (offsets === undefined || rows === this.rules.rows) return false;
    this.reserveRow();
    if (!scanner.nextNumbers(this.data[0] as Float64Array, rows * offsets.length, offsets)) return false;
    this.lines[rows] = scanner.line;
    this.rows++;
    return true;
  }

  private reserveRow(): void {
    const { rules } = this;
    if (this.rows === 0) {
      if (this.lines.length === 0) this.reserve(Math.min(rules.rows, 1024));
    } else if (this.rows === this.lines.length) this.reserve(Math.min(rules.rows, 2 * this.rows));
  }

  private read(): void {
    const { scanner } = this;
    this.reserveRow();
    const { columns, data, rows } = this;
    this.lines[rows] = scanner.line;
    const { bytes, starts, ends, marks } = scanner;
    let problems: Problem[] | undefined;
    for (let i = 0; i < columns!.length; i++) {
      const column = columns![i];
      if (column === undefined) continue;
      if (column.numbers && marks[i] !== 2) {
        const value = parsePlainDecimal(bytes, starts[i]!, ends[i]!);
        // False for NaN as well.
        if (Math.abs(value) <= column.largest) {
          (data[column.tensor] as Float64Array)[rows * column.width + column.offset] = value;
          continue;
        }
      }
      const fault = storeCell(column.feature, data, rows, scanner.text(i));
      if (fault === undefined) continue;
      problems ??= [];
      const path = pathOf('', column.feature.feature.name);
      problems.push(rowProblem(this.first + rows, scanner.line, path === 'body' ? '' : path, fault));
      if (problems.length === mostProblems) break;
    }
    if (problems !== undefined) throw new VitrinaError('request-invalid', { problems });
    this.rows++;
  }

  private reserve(rows: number): void {
    const data = this.reader.allocate(rows);
    const lines = new Uint32Array(rows);
    if (this.rows > 0) {
      for (const [i, old] of this.data.entries()) {
        const own = data[i]!;
        if (Array.isArray(own)) for (let at = 0; at < old.length; at++) own[at] = old[at] as string;
        else (own as Float64Array).set(old as Float64Array);
      }
      lines.set(this.lines);
    }
    this.data = data;
    this.lines = lines;
  }

  private take(): RowChunk {
    const { data, rows, first, lines } = this;
    this.first += rows;
    this.rows = 0;
    this.data = [];
    this.lines = new Uint32Array(0);
    return { inputs: this.reader.assemble(data, rows), rows, first, lines };
  }
}

interface CellReader {
  readonly feature: FeatureColumn;
  readonly tensor: number;
  readonly width: number;
  readonly offset: number;
  /** Whether plain numbers are stored without a further look, up to `largest`. */
  readonly numbers: boolean;
  readonly largest: number;
}

function cellReader(feature: FeatureColumn): CellReader {
  const { dtype, largest = Number.POSITIVE_INFINITY } = feature.feature;
  const { tensor, width, offset } = feature;
  const numbers = dtype === 'float64' || dtype === 'float32';
  const most = dtype === 'float32' ? float32Max : Number.MAX_VALUE;
  return { feature, tensor, width, offset, numbers, largest: Math.min(most, largest) };
}

function featureReader(signature: Signature): FeatureReader {
  try {
    return new FeatureReader(signature);
  } catch (error) {
    if (!(error instanceof VitrinaError) || error.code !== 'model-unsupported') throw error;
    const { what } = error.fields as { what: string };
    throw new VitrinaError('model-unsupported', { what, next: 'send JSON, NDJSON or Arrow instead of CSV' });
  }
}

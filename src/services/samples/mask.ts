import type { TensorSpec } from '../../signature.js';
import type { Tensor } from '../../tensor.js';
import { writeTensor } from '../predictions/json-tensors.js';

/** What stands where a value was. */
export const masked = '[masked]';

/**
 * Writes tensors as JSON values, with everything that goes by one of the names masked: whole inputs and outputs, columns
 * of a table, and fields of dictionaries, however deep. Upper and lower case count as equal, so that more is masked
 * rather than less.
 */
export class Mask {
  private readonly names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.names = new Set(names.map((name) => name.trim().toLowerCase()));
  }

  has(name: string): boolean {
    return this.names.has(name.toLowerCase());
  }

  /** The first `rows` rows; a table with names becomes a list of rows by name. */
  write(spec: TensorSpec | undefined, name: string, tensor: Tensor, rows: number): unknown {
    if (this.has(name)) return masked;
    const batched = spec?.shape[0] === null;
    const shown = writeTensor(batched ? head(tensor, rows) : tensor);
    if (spec?.json !== undefined) return this.writeTexts(shown);
    const columns = spec?.columns;
    if (columns === undefined || tensor.shape.length !== 2) {
      return this.hasColumn(name, tensor) ? this.writeUnnamed(name, shown as unknown[][]) : shown;
    }
    return (shown as unknown[][]).map((row) =>
      Object.fromEntries(columns.map((column, i) => [column, this.has(column) ? masked : row[i]])),
    );
  }

  /** Columns without a name go by their place: `x[2]`. */
  private hasColumn(name: string, { shape }: Tensor): boolean {
    if (shape.length !== 2 || this.names.size === 0) return false;
    const own = `${name.toLowerCase()}[`;
    for (const masked of this.names) if (masked.startsWith(own)) return true;
    return false;
  }

  private writeUnnamed(name: string, rows: readonly unknown[][]): unknown {
    return rows.map((row) => row.map((value, i) => (this.has(`${name}[${i}]`) ? masked : value)));
  }

  /** Dictionaries and lists travel as JSON texts. */
  private writeTexts(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.writeTexts(item));
    if (typeof value !== 'string') return value;
    try {
      return this.maskFields(JSON.parse(value));
    } catch {
      return masked;
    }
  }

  private maskFields(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => (this.isName(item) ? masked : this.maskFields(item)));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, this.has(name) ? masked : this.maskFields(field)]),
    );
  }

  /** A list may hold names of what is there, `["smoker"]`. */
  private isName(item: unknown): boolean {
    return typeof item === 'string' && this.has(item);
  }
}

function head({ dtype, shape, data }: Tensor, rows: number): Tensor {
  const all = shape[0] ?? 0;
  if (all <= rows) return { dtype, shape, data };
  const width = data.length / all;
  return { dtype, shape: [rows, ...shape.slice(1)], data: data.slice(0, rows * width) as Tensor['data'] };
}

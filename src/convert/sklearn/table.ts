import type { TensorSpec } from '../../signature.js';
import type { GraphBuilder, Value } from '../graph-builder.js';

export type ColumnType = 'number' | 'text' | 'boolean';

interface ColumnUse {
  type: ColumnType | undefined;
  /** Somebody reads the column as whole documents, by the name of an input of its own. */
  documents: boolean;
  /** Somebody refuses NaN in it. */
  finite: boolean;
  /** Somebody refuses infinities in it. */
  bounded: boolean;
  /** Somebody computes with it in float32. */
  float32: boolean;
  /** What a missing text was called. */
  missing: 'NaN' | 'None' | undefined;
}

/** How a column is read: what its reader refuses, and what a missing text was called in training. */
export interface ReadOptions {
  readonly finite?: boolean;
  readonly infinite?: boolean;
  readonly float32?: boolean;
  readonly missing?: 'NaN' | 'None' | undefined;
}

interface Group {
  readonly value: Value;
  readonly indices: readonly number[];
  readonly type: ColumnType;
}

/** The largest float32. */
export const float32Largest = 3.4028234663852886e38;

/**
 * The caller's table: columns by position, named or not, whose types are known only when estimators have read them.
 * They read through placeholders; `finish` decides how the table is laid out and gives the placeholders their values:
 *
 * - one input `X` of shape [batch, columns] when all columns are numbers, or all are texts;
 * - one input a column, of shape [batch], otherwise; columns that nobody reads are ignored then.
 */
export class Table {
  private readonly uses: ColumnUse[];
  private readonly groups = new Map<string, Group>();

  constructor(
    private readonly graph: GraphBuilder,
    /** Names where the estimator was fitted on a data frame, else `undefined`. */
    private readonly names: readonly string[] | undefined,
    readonly size: number,
  ) {
    this.uses = Array.from({ length: size }, () => ({
      type: undefined,
      documents: false,
      finite: false,
      bounded: false,
      float32: false,
      missing: undefined,
    }));
  }

  /** Names as a data frame has them; `x0`, `x1`, … where there are none, as scikit-learn calls them. */
  get columnNames(): readonly string[] {
    return this.names ?? this.uses.map((_, i) => `x${i}`);
  }

  /** Columns as a placeholder [batch, indices.length]; `undefined` when one was read as something else before. */
  read(indices: readonly number[], type: ColumnType, options: ReadOptions = {}): Value | undefined {
    for (const index of indices) {
      const use = this.uses[index]!;
      if (use.type !== undefined && use.type !== type) return undefined;
      // JSON has one null: it cannot be `nan` for one reader and `None` for another.
      if ((options.missing ?? use.missing) !== (use.missing ?? options.missing)) return undefined;
      use.type = type;
      use.finite ||= options.finite ?? false;
      use.bounded ||= !(options.infinite ?? false);
      use.float32 ||= options.float32 ?? false;
      use.missing ??= options.missing;
    }
    const key = `${type}:${indices.join()}`;
    const known = this.groups.get(key);
    if (known !== undefined) return known.value;
    const group = { value: this.graph.unique(type === 'text' ? 'texts' : 'numbers'), indices, type };
    this.groups.set(key, group);
    return group.value;
  }

  /** Settles what a missing text of the column is, whatever readers before would have taken it for. */
  setMissing(index: number, missing: 'NaN' | 'None'): void {
    this.uses[index]!.missing = missing;
  }

  /** The column as documents: the name of the input that holds them; `undefined` when it was read as numbers before. */
  readDocuments(index: number): string | undefined {
    const use = this.uses[index]!;
    if (use.type !== undefined && use.type !== 'text') return undefined;
    use.type = 'text';
    use.documents = true;
    return this.columnNames[index]!;
  }

  /** Declares the inputs and fills the placeholders. `guard` is called for columns where NaN is refused beside others. */
  finish(guard: (ok: Value, path: string, message: string) => void): {
    inputs: TensorSpec[];
    ignored: readonly string[];
    /** Columns that go to a featurizer and to the graph. */
    shared: readonly string[];
  } {
    const types = new Set(this.uses.map(({ type }) => type));
    const documents = this.uses.some((use) => use.documents);
    const unread = types.delete(undefined);
    const [only = 'number'] = types;
    const whole =
      types.size <= 1 &&
      only !== 'boolean' &&
      !documents &&
      (!unread || (this.names === undefined && only === 'number'));
    return whole ? { inputs: [this.finishWhole(only, guard)], ignored: [], shared: [] } : this.finishColumns();
  }

  private finishWhole(type: ColumnType, guard: (ok: Value, path: string, message: string) => void): TensorSpec {
    const read = this.uses.filter((use) => use.type !== undefined);
    const missing = type === 'text' ? (read.find((use) => use.missing)?.missing ?? undefined) : this.missingOf(read);
    const spec: TensorSpec = {
      name: 'X',
      dtype: type === 'text' ? 'string' : 'float64',
      shape: [null, this.size],
      ...(this.names === undefined ? {} : { columns: this.names }),
      ...(missing === undefined ? {} : { missing }),
      ...(type === 'number' && read.some((use) => use.bounded) ? { finite: true } : {}),
      ...(read.some((use) => use.float32) ? { largest: float32Largest } : {}),
    };
    const { graph } = this;
    const input = graph.input(spec);
    for (const { value, indices } of this.groups.values()) {
      const all = indices.length === this.size && indices.every((index, i) => index === i);
      if (all) graph.define(value, 'Identity', [input]);
      else graph.define(value, 'Gather', [input, graph.int64s(indices, 'columns')], { axis: 1 });
    }
    if (missing !== undefined && type === 'number') {
      const strict = this.uses.flatMap((use, i) => (use.finite ? [i] : []));
      if (strict.length > 0) {
        const columns = graph.node('Gather', [input, graph.int64s(strict, 'columns')], { axis: 1 });
        const names = strict
          .map((i) => this.columnNames[i])
          .slice(0, 20)
          .join(', ');
        guard(finiteRows(graph, columns), 'X', `a missing value in a column that takes none; those are ${names}`);
      }
    }
    return spec;
  }

  private finishColumns(): { inputs: TensorSpec[]; ignored: readonly string[]; shared: readonly string[] } {
    const { graph } = this;
    const inputs: TensorSpec[] = [];
    const ignored: string[] = [];
    const shared: string[] = [];
    const columns = this.uses.map((use, i): Value | undefined => {
      const name = this.columnNames[i]!;
      if (use.type === undefined) {
        ignored.push(name);
        return undefined;
      }
      // No vectorizer takes a missing text.
      const missingText = use.documents ? undefined : use.missing;
      const missing = use.type === 'text' ? missingText : this.missingOf([use]);
      const spec: TensorSpec = {
        name,
        dtype: use.type === 'text' ? 'string' : use.type === 'boolean' ? 'bool' : 'float64',
        shape: [null],
        ...(missing === undefined || use.type === 'boolean' ? {} : { missing }),
        ...(use.type === 'number' && use.bounded ? { finite: true } : {}),
        ...(use.float32 ? { largest: float32Largest } : {}),
      };
      inputs.push(spec);
      // Documents go to a featurizer; the graph has the column only when somebody else reads it too.
      const inGraph = [...this.groups.values()].some(({ indices }) => indices.includes(i));
      if (!inGraph) return undefined;
      if (use.documents) shared.push(name);
      const input = graph.input(spec);
      const column = graph.define(graph.unique('column'), 'Unsqueeze', [input, graph.int64s([1])]);
      return use.type === 'boolean' ? graph.define(graph.unique('column'), 'Cast', [column], { to: 11 }) : column;
    });
    for (const { value, indices } of this.groups.values()) {
      graph.define(
        value,
        'Concat',
        indices.map((index) => columns[index]!),
        { axis: 1 },
      );
    }
    return { inputs, ignored, shared };
  }

  private missingOf(uses: readonly ColumnUse[]): 'NaN' | undefined {
    return uses.some((use) => !use.finite) ? 'NaN' : undefined;
  }
}

/** [batch, size] → bool [batch]: true where every number is finite, since x − x is 0 for those alone. */
export function finiteRows(graph: GraphBuilder, value: Value): Value {
  const zeros = graph.node('Sub', [value, value]);
  const sum = graph.node('ReduceSum', [zeros, graph.int64s([1])], { keepdims: 0 });
  return graph.node('Equal', [sum, graph.scalar(0, 'float64')]);
}

/** [batch, size] → bool [batch]: true where no number is infinite; NaN is none. */
export function withoutInfinities(graph: GraphBuilder, value: Value): Value {
  const infinite = graph.node('Cast', [graph.node('IsInf', [value])], { to: 1 });
  const any = graph.node('ReduceMax', [infinite, graph.int64s([1])], { keepdims: 0 });
  return graph.node('Equal', [any, graph.scalar(0)]);
}

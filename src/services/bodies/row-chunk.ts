import { type Problem, VitrinaError } from '../../errors.js';
import type { Signature } from '../../signature.js';
import type { Tensor } from '../../tensor.js';

/** Some rows of a table, in order, as the inputs of a signature. */
export interface RowChunk {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly rows: number;
  /** Which row of the body the first one is, from 0. */
  readonly first: number;
  /** The line of the text on which each row starts; nothing for a format without lines. */
  readonly lines: ArrayLike<number> | undefined;
}

/** How a body is cut into chunks. */
export interface ChunkRules {
  /** Rows of one chunk at most. */
  readonly rows: number;
  /** Why a chunk has to have all the rows there are, or exactly `rows`: then none is given before it is full. */
  readonly shape: 'any' | 'exact' | 'whole';
  /** Bytes of one row of a text. */
  readonly rowBytes: number;
  /** Bytes of one batch of Arrow. */
  readonly batchBytes: number;
}

/**
 * How the model takes its rows: in chunks that keep its thread as busy as a batch may; in its one size where its batch
 * is fixed; all of them together where a row's result depends on the others.
 */
export function chunkRules(
  signature: Signature,
  maxBatchRows: number,
  limits: { readonly maxRows: number; readonly rowBytes: number; readonly batchBytes: number },
): ChunkRules {
  const { maxRows, rowBytes, batchBytes } = limits;
  if (signature.indivisible) return { rows: maxRows, shape: 'whole', rowBytes, batchBytes };
  const fixed = signature.inputs.find(({ shape }) => typeof shape[0] === 'number')?.shape[0];
  if (typeof fixed === 'number') return { rows: Math.max(1, fixed), shape: 'exact', rowBytes, batchBytes };
  return { rows: Math.min(maxRows, Math.max(1, maxBatchRows)), shape: 'any', rowBytes, batchBytes };
}

/** A fault of one row of a body: its number among the rows, and its line where there are lines. */
export function rowProblem(row: number, line: number | undefined, path: string, message: string): Problem {
  const place = `[${row}]`;
  return {
    path: path === '' ? place : path.startsWith('[') ? `${place}${path}` : `${place}.${path}`,
    message: line === undefined ? message : `${message} (line ${line})`,
  };
}

/**
 * Renumbers what is wrong with a chunk's rows as rows of the body. Problems name the row of the chunk in brackets:
 * `[3].age`, `age[3]`, `inputs.X[3].age`, or as `row 3`.
 */
export function relocate(error: unknown, { first, lines, rows }: RowChunk, signature: Signature): unknown {
  if (!(error instanceof VitrinaError) || error.code !== 'request-invalid') return error;
  const { problems } = error.fields as { problems: readonly Problem[] };
  const moved = problems.map(({ path, message }) => {
    const place = placeOf(path, signature);
    if (place === undefined || place.row >= rows) return { path, message };
    return rowProblem(first + place.row, lines?.[place.row], place.rest, message);
  });
  return new VitrinaError('request-invalid', { problems: moved }, { cause: error });
}

function placeOf(path: string, { inputs }: Signature): { row: number; rest: string } | undefined {
  const leading = /^(?:\[|row )(\d+)\]?\.?/.exec(path);
  if (leading !== null) return { row: Number(leading[1]), rest: path.slice(leading[0].length) };
  for (const { name } of inputs) {
    const prefix = `inputs.${name}`;
    if (!path.startsWith(`${prefix}[`)) continue;
    const own = /^\[(\d+)\]\.?/.exec(path.slice(prefix.length));
    if (own === null) continue;
    const rest = path.slice(prefix.length + own[0].length);
    return { row: Number(own[1]), rest: rest === '' || rest.startsWith('[') ? `${name}${rest}` : rest };
  }
  const trailing = /\[(\d+)\]$/.exec(path);
  return trailing === null ? undefined : { row: Number(trailing[1]), rest: path.slice(0, trailing.index) };
}

/** A body with nothing in it. */
export function noRows(what: string): VitrinaError {
  return new VitrinaError('request-invalid', {
    problems: [{ path: 'body', message: `has no rows; send at least one ${what}` }],
  });
}

/** More rows than a model that takes them all together may be given. */
export function tooManyRows(limit: number): VitrinaError {
  return new VitrinaError('rows-over-limit', { rows: limit + 1, limit });
}

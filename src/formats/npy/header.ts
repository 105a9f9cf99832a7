import { malformed } from '../pickle/limits.js';

export interface NpyHeader {
  /** NumPy's code of the type; of a structured type, all codes and names in it. */
  readonly descr: string | readonly string[];
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** Structured types in structured types. */
const maxNesting = 16;

const token = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(\d{1,16})L?|(True|False)|([{}()[\],:]))/y;

/**
 * The header of a `.npy` file: the Python literal of a dictionary with `descr`, `fortran_order` and `shape`, and
 * nothing else. It is parsed by a grammar that knows just that.
 * @throws artefact-malformed
 */
export function parseHeader(text: string): NpyHeader {
  let position = 0;
  const damaged = () => malformed('npy', 'its header is not the literal of a dictionary that NumPy writes', position);
  const next = () => {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null) throw damaged();
    position = token.lastIndex;
    const [, single, double, digits, boolean, sign] = match;
    return { text: single ?? double, digits, boolean, sign };
  };
  const expect = (sign: string) => {
    if (next().sign !== sign) throw damaged();
  };
  /** Consumes `,` before `close`, or `close` itself; true when the collection goes on. */
  const goesOn = (close: string) => {
    const first = next().sign;
    if (first === close) return false;
    if (first !== ',') throw damaged();
    const before = position;
    if (next().sign === close) return false;
    position = before;
    return true;
  };

  const shape = (): number[] => {
    expect('(');
    const sizes: number[] = [];
    const before = position;
    if (next().sign === ')') return sizes;
    position = before;
    do {
      const { digits } = next();
      if (digits === undefined) throw damaged();
      sizes.push(Number(digits));
    } while (goesOn(')'));
    return sizes;
  };

  /** All texts in nested lists and tuples of texts and numbers, up to `close`. */
  const texts = (close: string, depth: number): string[] => {
    if (depth > maxNesting) throw damaged();
    const found: string[] = [];
    const before = position;
    if (next().sign === close) return found;
    position = before;
    do {
      const { text: item, sign, digits } = next();
      if (item !== undefined) found.push(item);
      else if (sign === '(' || sign === '[') found.push(...texts(sign === '(' ? ')' : ']', depth + 1));
      else if (digits === undefined) throw damaged();
    } while (goesOn(close));
    return found;
  };

  const fields: { descr?: string | readonly string[]; fortranOrder?: boolean; shape?: number[] } = {};
  expect('{');
  do {
    const key = next().text;
    expect(':');
    if (key === 'descr' && fields.descr === undefined) {
      const value = next();
      if (value.sign === '[') fields.descr = texts(']', 1);
      else if (value.text === undefined) throw damaged();
      else fields.descr = value.text;
    } else if (key === 'fortran_order' && fields.fortranOrder === undefined) {
      const { boolean } = next();
      if (boolean === undefined) throw damaged();
      fields.fortranOrder = boolean === 'True';
    } else if (key === 'shape' && fields.shape === undefined) fields.shape = shape();
    else throw damaged();
  } while (goesOn('}'));
  if (/\S/.test(text.slice(position))) throw damaged();
  const { descr, fortranOrder, shape: sizes } = fields;
  if (descr === undefined || fortranOrder === undefined || sizes === undefined) throw damaged();
  return { descr, fortranOrder, shape: sizes };
}

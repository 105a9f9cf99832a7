import { malformed, unsupported } from '../pickle/limits.js';

export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const token = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(\d{1,16})L?|(True|False)|([{}()[\],:]))/y;

/**
 * The header of a `.npy` file: the Python literal of a dictionary with `descr`, `fortran_order` and `shape`, and
 * nothing else. It is parsed by a grammar that knows just that.
 * @throws artefact-malformed, artefact-unsupported for structured types
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

  const fields: { descr?: string; fortranOrder?: boolean; shape?: number[] } = {};
  expect('{');
  do {
    const key = next().text;
    expect(':');
    if (key === 'descr' && fields.descr === undefined) {
      const value = next();
      if (value.sign === '[' || value.sign === '(') {
        throw unsupported('npy', 'a structured type', 'save each field as an array of its own');
      }
      if (value.text === undefined) throw damaged();
      fields.descr = value.text;
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

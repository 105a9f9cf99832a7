import type { FindArray } from '../pickle/disassemble.js';
import type { Trace } from '../pickle/traces.js';

/**
 * For the disassembler: how many bytes of an array follow a `NumpyArrayWrapper` in joblib's stream. What cannot be told
 * is `undefined`, and disassembly goes on as if no array came.
 */
export const findArray: FindArray = (object, bytes, position) => {
  if (object.kind !== 'made' || !/(^|\.)joblib\.numpy_pickle\.NumpyArrayWrapper$/.test(object.by)) return undefined;
  const fields = object.state?.kind === 'dict' ? object.state.entries : undefined;
  const dtype = fields?.get('dtype');
  const shape = fields?.get('shape');
  const code = dtype?.kind === 'made' ? textOf(dtype.args[0]) : undefined;
  if (dtype?.kind !== 'made' || code === undefined || shape?.kind !== 'tuple') return undefined;
  const state = dtype.state?.kind === 'tuple' ? dtype.state.items : [];
  if (/^[<>|=]?O/.test(code) || holdsObjects(state[7])) return 'objects';
  const size = numberOf(state[5]);
  const digits = Number(/\d+/.exec(code)?.[0] ?? 1);
  const itemSize = size !== undefined && size >= 0 ? size : code.includes('U') ? digits * 4 : digits;
  const sizes = shape.items.map(numberOf);
  if (!sizes.every((count) => count !== undefined && count >= 0)) return undefined;
  const count = sizes.reduce<number>((product, length) => product * length!, 1);
  const isPadded = numberOf(fields?.get('numpy_array_alignment_bytes')) !== undefined;
  return {
    padding: isPadded ? 1 + (bytes[position] ?? 0) : 0,
    bytes: count * itemSize,
    what: `${code}(${sizes.join(', ')})`,
  };
};

/** The flag of a dtype's state that says that its elements, or some of their fields, are Python objects. */
const holdsObjects = (flags: Trace | undefined) => ((numberOf(flags) ?? 0) & 1) === 1;

const textOf = (trace: Trace | undefined) => (trace?.kind === 'text' ? trace.text : undefined);
const numberOf = (trace: Trace | undefined) => (trace?.kind === 'number' ? trace.value : undefined);

import type { ArgumentValue } from './arguments.js';
import type { OpcodeInfo } from './opcodes.js';

/**
 * What the disassembler knows of a value on the stack: enough to tell which array follows a joblib wrapper in the
 * stream, and no more. Nothing is made, looked up or called.
 */
export type Trace =
  | { readonly kind: 'mark' | 'other' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'flag'; readonly value: boolean }
  | { readonly kind: 'tuple'; readonly items: readonly Trace[] }
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'dict'; readonly entries: Map<string, Trace> }
  | { readonly kind: 'made'; readonly by: string; readonly args: readonly Trace[]; state: Trace | undefined };

export const mark: Trace = Object.freeze({ kind: 'mark' });
export const other: Trace = Object.freeze({ kind: 'other' });

/** Entries of a dictionary that are kept: a wrapper has seven. */
const maxEntries = 16;
const maxItems = 64;

/** What an opcode leaves on the stack, given the values that it took, bottom first. */
export function resultOf({ name }: OpcodeInfo, taken: readonly Trace[], argument: ArgumentValue | undefined): Trace {
  if (typeof argument === 'string') {
    if (name === 'GLOBAL') return { kind: 'global', name: argument.replace(' ', '.') };
    if (name !== 'INST' && name !== 'PERSID') return { kind: 'text', text: argument };
  }
  if (typeof argument === 'bigint' && isNumber.has(name)) return { kind: 'number', value: Number(argument) };
  if (typeof argument === 'boolean') return { kind: 'flag', value: argument };
  switch (name) {
    case 'NEWTRUE':
    case 'NEWFALSE':
      return { kind: 'flag', value: name === 'NEWTRUE' };
    case 'EMPTY_TUPLE':
    case 'TUPLE':
    case 'TUPLE1':
    case 'TUPLE2':
    case 'TUPLE3':
      return taken.length > maxItems ? other : { kind: 'tuple', items: taken };
    case 'STACK_GLOBAL': {
      const [module, global] = taken;
      return module?.kind === 'text' && global?.kind === 'text'
        ? { kind: 'global', name: `${module.text}.${global.text}` }
        : other;
    }
    case 'EMPTY_DICT':
      return { kind: 'dict', entries: new Map() };
    case 'DICT':
      return withEntries({ kind: 'dict', entries: new Map() }, taken);
    case 'SETITEM':
    case 'SETITEMS':
      return withEntries(taken[0] ?? other, taken.slice(1));
    case 'REDUCE':
    case 'NEWOBJ': {
      const [target, args] = taken;
      if (target?.kind !== 'global') return other;
      const items = args?.kind === 'tuple' ? args.items : [];
      const [first] = items;
      // How protocols 0 and 1 make an object of a class.
      const isReconstructor = target.name === 'copy_reg._reconstructor' || target.name === 'copyreg._reconstructor';
      const by = isReconstructor && first?.kind === 'global' ? first.name : target.name;
      return { kind: 'made', by, args: items, state: undefined };
    }
    case 'BUILD': {
      const [object = other, state] = taken;
      if (object.kind === 'made') object.state = state;
      return object;
    }
    case 'APPEND':
    case 'APPENDS':
    case 'ADDITEMS':
    case 'MEMOIZE':
      return taken[0] ?? other;
    default:
      return other;
  }
}

const isNumber: ReadonlySet<string> = new Set(['INT', 'LONG', 'BININT', 'BININT1', 'BININT2', 'LONG1', 'LONG4']);

function withEntries(dict: Trace, items: readonly Trace[]): Trace {
  if (dict.kind !== 'dict') return dict;
  for (let i = 0; i + 1 < items.length && dict.entries.size < maxEntries; i += 2) {
    const key = items[i]!;
    if (key.kind === 'text') dict.entries.set(key.text, items[i + 1]!);
  }
  return dict;
}

import { ArgumentError, ArgumentReader, type ArgumentValue } from './arguments.js';
import { type OpcodeInfo, opcodeInfo } from './opcodes.js';
import { mark, other, resultOf, type Trace } from './traces.js';

/** One opcode, as it lies in the file. */
export interface Instruction {
  readonly kind: 'instruction';
  /** Of its byte, from the start of the file. */
  readonly position: number;
  readonly info: OpcodeInfo;
  readonly code: number;
  readonly argument: ArgumentValue | undefined;
  /** Marks that were open before it. */
  readonly depth: number;
  /** Where the mark lies that it takes; `none` when there is none to take. */
  readonly mark: number | 'none' | undefined;
  /** The place of the memo that MEMOIZE fills. */
  readonly memo: number | undefined;
}

/** What lies between opcodes: the bytes of an array (joblib), or what is no pickle. */
export interface Gap {
  readonly kind: 'array' | 'trailing';
  readonly position: number;
  readonly bytes: number;
  /** Of an array: `float64(3, 4)`. */
  readonly what: string;
}

/** Where another pickle begins, or goes on after one that lay inside of it. */
export interface Begin {
  readonly kind: 'begin';
  readonly position: number;
  readonly what: string;
}

/** The end of a pickle, with the highest protocol of its opcodes. */
export interface End {
  readonly kind: 'end';
  readonly position: number;
  readonly protocol: number;
}

/** What is wrong here. Reading goes on where it can. */
export interface Problem {
  readonly kind: 'problem';
  readonly position: number;
  readonly what: string;
  /** Whether a loader of Python stops here too; to others only pickletools objects. */
  readonly stops: boolean;
}

export type Disassembled = Instruction | Gap | Begin | End | Problem;

const setTwice = 'this place of the memo is taken already';

/** Values on the stack and places of the memo beyond which nothing is followed any more. */
const maxValues = 10_000_000;

/**
 * Every opcode of a file of pickles, in order, whatever they would do: nothing is made, looked up or called, and what
 * `readPickle` refuses is listed like all else. The stack and the memo are followed as far as pickletools follows them.
 * `wrappers` says how many bytes follow the BUILD of an object in the stream: joblib's arrays.
 * Reference: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function* disassemble(bytes: Uint8Array, wrappers?: FindArray): Generator<Disassembled> {
  let position = 0;
  for (let count = 0; position < bytes.length; count++) {
    if (count > 0) {
      if (!opcodeInfo.has(bytes[position]!)) {
        yield { kind: 'trailing', position, bytes: bytes.length - position, what: 'bytes that are no pickle' };
        return;
      }
      yield { kind: 'begin', position, what: 'another pickle' };
    }
    const end: number | undefined = yield* disassembleOne(bytes, position, wrappers);
    if (end === undefined) return;
    position = end;
  }
  if (bytes.length === 0) yield { kind: 'problem', position: 0, what: 'the file is empty', stops: true };
}

/** What follows an object in the stream once it is built; `undefined` when nothing does. */
export type FindArray = (object: Trace, bytes: Uint8Array, position: number) => FoundArray | undefined;

/** `objects`: a pickle of its own follows, with the elements. */
export type FoundArray = { readonly padding: number; readonly bytes: number; readonly what: string } | 'objects';

/** One pickle; returns where it ends, `undefined` when that cannot be told. */
function* disassembleOne(
  bytes: Uint8Array,
  start: number,
  findArray: FindArray | undefined,
): Generator<Disassembled, number | undefined> {
  const reader = new ArgumentReader(bytes, start);
  const stack: Trace[] = [];
  const marks: number[] = [];
  const memo = new Map<number, Trace>();
  let highest = -1;
  for (;;) {
    const position = reader.position;
    const code = bytes[position];
    if (code === undefined) {
      yield { kind: 'problem', position, what: 'the pickle ends without STOP', stops: true };
      return undefined;
    }
    const info = opcodeInfo.get(code);
    if (info === undefined) {
      yield {
        kind: 'problem',
        position,
        what: `the byte 0x${code.toString(16).padStart(2, '0')} is no opcode`,
        stops: true,
      };
      return undefined;
    }
    reader.position++;
    let argument: ArgumentValue | undefined;
    try {
      if (info.argument !== null) argument = reader.read(info.argument);
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      yield { kind: 'problem', position, what: `${info.name}: ${error.message}`, stops: true };
      return undefined;
    }
    highest = Math.max(highest, info.protocol);
    const problems: string[] = [];
    const depth = marks.length;

    // As in pickletools, POP takes a mark off when one is on top.
    const takesMark = info.popsMark || (info.name === 'POP' && stack.at(-1) === mark);
    let taken: Trace[] = [];
    let markedAt: number | undefined;
    if (takesMark) {
      markedAt = marks.pop();
      if (markedAt === undefined) problems.push('no mark is on the stack');
      else {
        taken = stack.splice(stack.lastIndexOf(mark) + 1);
        stack.pop();
      }
    }
    const pops = info.name === 'POP' && takesMark ? 0 : info.pops;
    if (stack.length < pops) problems.push(`it takes ${pops} values, and the stack has ${stack.length}`);
    const below = pops === 0 ? [] : stack.splice(-pops);
    taken = [...below, ...taken];

    let place: number | undefined;
    if (info.name === 'MEMOIZE' || info.name === 'PUT' || info.name === 'BINPUT' || info.name === 'LONG_BINPUT') {
      place = info.name === 'MEMOIZE' ? memo.size : Number(argument);
      const value = info.name === 'MEMOIZE' ? taken[0] : stack.at(-1);
      if (value === undefined || value === mark) problems.push('there is no value for the memo');
      else {
        if (memo.has(place)) problems.push(setTwice);
        memo.set(place, value);
      }
    }
    yield {
      kind: 'instruction',
      position,
      info,
      code,
      argument,
      depth,
      mark: takesMark ? (markedAt ?? 'none') : undefined,
      memo: info.name === 'MEMOIZE' ? place : undefined,
    };

    if (info.name === 'MARK') {
      marks.push(position);
      stack.push(mark);
    } else if (info.name === 'DUP') {
      const [value = other] = taken;
      stack.push(value, value);
    } else if (info.name === 'GET' || info.name === 'BINGET' || info.name === 'LONG_BINGET') {
      const value = memo.get(Number(argument));
      if (value === undefined) problems.push(`the memo has nothing under ${String(argument)}`);
      stack.push(value ?? other);
    } else if (info.pushes === 1) stack.push(resultOf(info, taken, argument));
    if (stack.length + memo.size > maxValues) problems.push(`there are more than ${maxValues} values`);
    for (const what of problems)
      yield { kind: 'problem', position, what: `${info.name}: ${what}`, stops: what !== setTwice };
    if (stack.length + memo.size > maxValues) return undefined;

    if (info.name === 'STOP') {
      yield { kind: 'end', position: reader.position, protocol: highest };
      if (stack.length > 0)
        yield { kind: 'problem', position, what: `STOP: ${stack.length} values are left over`, stops: false };
      return reader.position;
    }
    if (info.name === 'BUILD' && findArray !== undefined) {
      const found = findArray(stack.at(-1) ?? other, bytes, reader.position);
      if (found === 'objects') {
        yield {
          kind: 'begin',
          position: reader.position,
          what: 'a pickle inside: the elements of an array of objects',
        };
        const end: number | undefined = yield* disassembleOne(bytes, reader.position, undefined);
        if (end === undefined) return undefined;
        yield { kind: 'begin', position: end, what: 'the pickle around it goes on' };
        reader.position = end;
      } else if (found !== undefined) {
        reader.position += found.padding;
        const length = Math.min(found.bytes, bytes.length - reader.position);
        yield { kind: 'array', position: reader.position, bytes: length, what: found.what };
        reader.position += length;
      }
    }
  }
}

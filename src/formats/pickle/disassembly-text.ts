import { reprByteArray, reprBytes, reprFloat, reprText } from '../python-repr.js';
import type { ArgumentValue } from './arguments.js';
import type { Disassembled, Instruction } from './disassemble.js';
import { PythonByteArray } from './values.js';

/** Bytes of an argument beyond which only their number is given: the text would be longer than any string may be. */
const maxArgument = 2 ** 26;

/** An argument as Python's `repr` writes it. */
export function reprArgument(value: ArgumentValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return reprFloat(value);
  const { length } = value instanceof PythonByteArray ? value.bytes : value;
  if (length > maxArgument) return `(${length} bytes)`;
  if (value instanceof PythonByteArray) return reprByteArray(value.bytes);
  return typeof value === 'string' ? reprText(value) : reprBytes(value);
}

/** Lines of a disassembly as `python -m pickletools -a` prints them, what Python would not print in parentheses. */
export function* disassemblyLines(parts: Iterable<Disassembled>): Generator<string> {
  const column = { annotation: firstColumn };
  for (const part of parts) {
    const place = `${String(part.position).padStart(5)}:`;
    switch (part.kind) {
      case 'instruction':
        yield `${place} ${instructionLine(part, column)}`;
        break;
      case 'array':
        yield `${place}      (${part.bytes} bytes of an array ${part.what})`;
        break;
      case 'trailing':
        yield `${place}      (${part.bytes} ${part.what})`;
        break;
      case 'problem':
        yield `${place}      (${part.what})`;
        break;
      case 'begin':
        column.annotation = firstColumn;
        yield `${place}      (${part.what})`;
        break;
      case 'end':
        yield `highest protocol among opcodes = ${part.protocol}`;
        break;
    }
  }
}

/** Where pickletools begins to look for a place for its annotations. */
const firstColumn = 30;

function instructionLine(instruction: Instruction, column: { annotation: number }): string {
  const { info, code, argument, depth } = instruction;
  const byte = code < 0x80 ? String.fromCharCode(code) : `\\x${code.toString(16)}`;
  let line = `${byte.padEnd(4)} ${'    '.repeat(depth)}${info.name}`;
  const message =
    instruction.mark === 'none'
      ? 'no MARK exists on stack'
      : instruction.mark !== undefined
        ? `(MARK at ${instruction.mark})`
        : instruction.memo !== undefined
          ? `(as ${instruction.memo})`
          : undefined;
  if (argument !== undefined || message !== undefined) {
    line += ' '.repeat(Math.max(0, 10 - info.name.length));
    if (argument !== undefined) line += ` ${reprArgument(argument)}`;
    if (message !== undefined) line += ` ${message}`;
  }
  const width = widthOf(line);
  line += ' '.repeat(Math.max(0, column.annotation - width));
  const reached = Math.max(width, column.annotation);
  column.annotation = reached > 50 ? firstColumn : reached;
  return `${line} ${info.description}`;
}

/** Characters, as Python counts them: one a code point. */
function widthOf(line: string): number {
  let width = line.length;
  for (let i = 0; i < line.length; i++) if ((line.codePointAt(i) ?? 0) > 0xffff) width--;
  return width;
}

import type { PickleMachine } from '../machine.js';
import { type EightBitText, PythonByteArray } from '../values.js';
import type { Handlers } from './handler.js';

function pushText({ context, stack }: PickleMachine, text: string): void {
  context.budget.object(32 + text.length * 2);
  stack.push(text);
}

/** A view of the file: what it costs is the object, not the bytes. */
function pushBytes({ context, stack }: PickleMachine, bytes: Uint8Array): void {
  context.budget.object(128);
  stack.push(bytes);
}

/** A string of Python 2, which may be text or bytes. */
function pushEightBit(machine: PickleMachine, text: string | EightBitText): void {
  if (typeof text === 'string') pushText(machine, text);
  else pushBytes(machine, text);
}

/** Text and bytes, as every protocol writes them. */
export const texts = {
  STRING: (machine) => pushEightBit(machine, machine.cursor.quotedLine()),
  BINSTRING: (machine) => pushEightBit(machine, machine.cursor.eightBit(machine.cursor.length4())),
  SHORT_BINSTRING: (machine) => pushEightBit(machine, machine.cursor.eightBit(machine.cursor.uint8())),
  UNICODE: (machine) => pushText(machine, machine.cursor.rawUnicodeLine()),
  SHORT_BINUNICODE: (machine) => pushText(machine, machine.cursor.utf8(machine.cursor.uint8())),
  BINUNICODE: (machine) => pushText(machine, machine.cursor.utf8(machine.cursor.length4())),
  BINUNICODE8: (machine) => pushText(machine, machine.cursor.utf8(machine.cursor.length8())),
  SHORT_BINBYTES: (machine) => pushBytes(machine, machine.cursor.take(machine.cursor.uint8())),
  BINBYTES: (machine) => pushBytes(machine, machine.cursor.take(machine.cursor.length4())),
  BINBYTES8: (machine) => pushBytes(machine, machine.cursor.take(machine.cursor.length8())),
  BYTEARRAY8: ({ context, cursor, stack }) => {
    context.budget.object(128);
    stack.push(new PythonByteArray(cursor.take(cursor.length8())));
  },
} satisfies Handlers<
  | 'STRING'
  | 'BINSTRING'
  | 'SHORT_BINSTRING'
  | 'UNICODE'
  | 'SHORT_BINUNICODE'
  | 'BINUNICODE'
  | 'BINUNICODE8'
  | 'SHORT_BINBYTES'
  | 'BINBYTES'
  | 'BINBYTES8'
  | 'BYTEARRAY8'
>;

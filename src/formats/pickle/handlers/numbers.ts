import type { PickleMachine } from '../machine.js';
import type { Handlers } from './handler.js';

const smallIntegers = Array.from({ length: 256 }, (_, i) => BigInt(i));

function pushInteger({ context, stack }: PickleMachine, value: bigint): void {
  context.budget.object(32);
  stack.push(value);
}

function pushFloat({ context, stack }: PickleMachine, value: number): void {
  context.budget.object(16);
  stack.push(value);
}

const integerBytes = ({ context }: PickleMachine) => context.budget.limits.integerBytes;

/** None, booleans, integers, floats. */
export const numbers = {
  NONE: ({ stack }) => stack.pushShared(null),
  NEWTRUE: ({ stack }) => stack.pushShared(true),
  NEWFALSE: ({ stack }) => stack.pushShared(false),
  INT: (machine) => {
    const { cursor, stack } = machine;
    const line = cursor.line();
    // How protocol 0 writes booleans.
    if (line === '00' || line === '01') stack.pushShared(line === '01');
    else pushInteger(machine, cursor.decimal(line, integerBytes(machine)));
  },
  LONG: (machine) => {
    const line = machine.cursor.line();
    const digits = line.endsWith('L') ? line.slice(0, -1) : line;
    pushInteger(machine, machine.cursor.decimal(digits, integerBytes(machine)));
  },
  BININT: (machine) => pushInteger(machine, BigInt(machine.cursor.int32())),
  BININT1: (machine) => pushInteger(machine, smallIntegers[machine.cursor.uint8()]!),
  BININT2: (machine) => pushInteger(machine, BigInt(machine.cursor.uint16())),
  LONG1: (machine) => {
    const { cursor } = machine;
    pushInteger(machine, cursor.twosComplement(cursor.uint8(), integerBytes(machine)));
  },
  LONG4: (machine) => {
    const { cursor } = machine;
    pushInteger(machine, cursor.twosComplement(cursor.length4(), integerBytes(machine)));
  },
  FLOAT: (machine) => pushFloat(machine, machine.cursor.decimalFloat()),
  BINFLOAT: (machine) => pushFloat(machine, machine.cursor.float64()),
} satisfies Handlers<
  | 'NONE'
  | 'NEWTRUE'
  | 'NEWFALSE'
  | 'INT'
  | 'LONG'
  | 'BININT'
  | 'BININT1'
  | 'BININT2'
  | 'LONG1'
  | 'LONG4'
  | 'FLOAT'
  | 'BINFLOAT'
>;

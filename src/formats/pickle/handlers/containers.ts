import { entryBytes } from '../constructors.js';
import { PythonDict, PythonSet } from '../dictionary.js';
import type { PickleMachine } from '../machine.js';
import { PythonObject, PythonTuple, type PythonValue } from '../values.js';
import type { Handlers } from './handler.js';

function pushTuple({ context, stack }: PickleMachine, items: PythonValue[]): void {
  context.budget.object(96 + items.length * 8);
  stack.push(new PythonTuple(items));
}

function newDict({ context }: PickleMachine): PythonDict {
  context.budget.object(80);
  return new PythonDict(context.space);
}

function newSet({ context }: PickleMachine, frozen: boolean): PythonSet {
  context.budget.object(80);
  return new PythonSet(frozen, context.space);
}

/** Appends to the list on top, or to the items of an object whose class is a list. */
function extend(machine: PickleMachine, values: readonly PythonValue[]): void {
  const target = machine.stack.peek();
  if (target instanceof PythonObject) target.items ??= [];
  const list = target instanceof PythonObject ? target.items : target;
  if (!Array.isArray(list)) throw machine.malformed('values are appended to what is no list');
  machine.context.budget.charge(values.length * 8);
  for (const value of values) list.push(value);
}

/** Sets keys and values, in turns, on a dictionary, or on the entries of an object whose class is one. */
function setItems(machine: PickleMachine, target: PythonValue, items: readonly PythonValue[]): void {
  if (target instanceof PythonObject) target.entries ??= new PythonDict(machine.context.space);
  const dict = target instanceof PythonObject ? target.entries : target;
  if (!(dict instanceof PythonDict) || items.length % 2 !== 0) {
    throw machine.malformed('keys are set on what is no dictionary');
  }
  machine.context.budget.charge((items.length / 2) * entryBytes);
  for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
}

function addItems({ context }: PickleMachine, set: PythonSet, items: readonly PythonValue[]): void {
  context.budget.charge(items.length * entryBytes);
  for (const item of items) set.add(item);
}

/** Lists, tuples, dictionaries, sets. */
export const containers = {
  EMPTY_LIST: ({ context, stack }) => {
    context.budget.object(64);
    stack.push([]);
  },
  LIST: ({ stack }) => stack.push(stack.popToMark()),
  APPEND: (machine) => extend(machine, [machine.stack.pop()]),
  APPENDS: (machine) => extend(machine, machine.stack.popToMark()),
  EMPTY_TUPLE: (machine) => pushTuple(machine, []),
  TUPLE1: (machine) => pushTuple(machine, [machine.stack.pop()]),
  TUPLE2: (machine) => {
    const second = machine.stack.pop();
    pushTuple(machine, [machine.stack.pop(), second]);
  },
  TUPLE3: (machine) => {
    const third = machine.stack.pop();
    const second = machine.stack.pop();
    pushTuple(machine, [machine.stack.pop(), second, third]);
  },
  TUPLE: (machine) => pushTuple(machine, machine.stack.popToMark()),
  EMPTY_DICT: (machine) => machine.stack.push(newDict(machine)),
  DICT: (machine) => {
    const dict = newDict(machine);
    setItems(machine, dict, machine.stack.popToMark());
    machine.stack.push(dict);
  },
  SETITEM: (machine) => {
    const value = machine.stack.pop();
    const key = machine.stack.pop();
    setItems(machine, machine.stack.peek(), [key, value]);
  },
  SETITEMS: (machine) => {
    const items = machine.stack.popToMark();
    setItems(machine, machine.stack.peek(), items);
  },
  EMPTY_SET: (machine) => machine.stack.push(newSet(machine, false)),
  ADDITEMS: (machine) => {
    const items = machine.stack.popToMark();
    const set = machine.stack.peek();
    if (!(set instanceof PythonSet) || set.frozen) throw machine.malformed('members are added to what is no set');
    addItems(machine, set, items);
  },
  FROZENSET: (machine) => {
    const set = newSet(machine, true);
    addItems(machine, set, machine.stack.popToMark());
    machine.stack.push(set);
  },
} satisfies Handlers<
  | 'EMPTY_LIST'
  | 'LIST'
  | 'APPEND'
  | 'APPENDS'
  | 'EMPTY_TUPLE'
  | 'TUPLE1'
  | 'TUPLE2'
  | 'TUPLE3'
  | 'TUPLE'
  | 'EMPTY_DICT'
  | 'DICT'
  | 'SETITEM'
  | 'SETITEMS'
  | 'EMPTY_SET'
  | 'ADDITEMS'
  | 'FROZENSET'
>;

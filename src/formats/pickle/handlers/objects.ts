import { buildArray, buildDtype, checkPartial, instantiate } from '../constructors.js';
import { PythonDict } from '../dictionary.js';
import type { PickleMachine } from '../machine.js';
import { NumpyArray, NumpyDtype } from '../numpy-values.js';
import { PythonGlobal, PythonObject, PythonTuple, type PythonValue } from '../values.js';
import type { Handlers } from './handler.js';

/** What every call comes to: an inert value, made by its own constructor or as an object of that class. */
function make(machine: PickleMachine, target: PythonValue, args: PythonValue, kwargs?: PythonDict): void {
  if (!(target instanceof PythonGlobal)) throw machine.malformed('a call of what is no class');
  if (!(args instanceof PythonTuple)) throw machine.malformed('a call whose arguments are no tuple');
  machine.context.budget.object(128);
  machine.stack.push(instantiate(target, args.items, machine.context, kwargs));
}

/** A call of class and arguments from the stack. */
function call(machine: PickleMachine): void {
  const args = machine.stack.pop();
  make(machine, machine.stack.pop(), args);
}

/** Gives the value on top its state. It is kept, not applied: only arrays and their types become something. */
function build(machine: PickleMachine): void {
  const { built, context, hook, stack } = machine;
  const state = stack.pop();
  const target = stack.peek();
  if (typeof target === 'object' && target !== null) {
    if (built.has(target)) throw machine.malformed('an object is given a state twice');
    built.add(target);
  }
  if (target instanceof NumpyArray) buildArray(target, state, context);
  else if (target instanceof NumpyDtype) buildDtype(target, state);
  else if (target instanceof PythonObject && target.state === undefined) {
    if (target.global.id === 'functools.partial') checkPartial(target, state);
    target.state = state;
    if (hook !== undefined) stack.replace(hook(target, machine));
  } else throw machine.malformed('a state is given to what takes none');
}

/** Names, calls, states. */
export const objects = {
  GLOBAL: (machine) => {
    const { cursor } = machine;
    machine.stack.push(machine.global(cursor.line(), cursor.line()));
  },
  STACK_GLOBAL: (machine) => {
    const name = machine.stack.pop();
    const module = machine.stack.pop();
    if (typeof name !== 'string' || typeof module !== 'string') {
      throw machine.malformed('a global whose name is no text');
    }
    machine.stack.push(machine.global(module, name));
  },
  REDUCE: call,
  NEWOBJ: call,
  NEWOBJ_EX: (machine) => {
    const kwargs = machine.stack.pop();
    const args = machine.stack.pop();
    if (!(kwargs instanceof PythonDict)) throw machine.malformed('keyword arguments that are no dictionary');
    make(machine, machine.stack.pop(), args, kwargs);
  },
  INST: (machine) => {
    const { cursor } = machine;
    const target = machine.global(cursor.line(), cursor.line());
    make(machine, target, new PythonTuple(machine.stack.popToMark()));
  },
  OBJ: (machine) => {
    const [target = null, ...args] = machine.stack.popToMark();
    make(machine, target, new PythonTuple(args));
  },
  BUILD: build,
} satisfies Handlers<'GLOBAL' | 'STACK_GLOBAL' | 'REDUCE' | 'NEWOBJ' | 'NEWOBJ_EX' | 'INST' | 'OBJ' | 'BUILD'>;

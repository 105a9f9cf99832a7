import type { Handlers } from './handler.js';

/** Places of the memo: written by number, or the next one. */
export const memo = {
  PUT: (machine) => machine.remember(machine.cursor.index()),
  BINPUT: (machine) => machine.remember(machine.cursor.uint8()),
  LONG_BINPUT: (machine) => machine.remember(machine.cursor.length4()),
  MEMOIZE: (machine) => machine.remember(machine.memo.size),
  GET: (machine) => machine.recall(machine.cursor.index()),
  BINGET: (machine) => machine.recall(machine.cursor.uint8()),
  LONG_BINGET: (machine) => machine.recall(machine.cursor.length4()),
} satisfies Handlers<'PUT' | 'BINPUT' | 'LONG_BINPUT' | 'MEMOIZE' | 'GET' | 'BINGET' | 'LONG_BINGET'>;

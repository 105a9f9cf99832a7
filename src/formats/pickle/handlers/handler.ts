import type { PickleMachine } from '../machine.js';
import type { OpcodeName } from '../opcodes.js';

/** What an opcode does: reads its argument from the cursor, takes values from the stack, puts values on it. */
export type Handler = (machine: PickleMachine) => void;

/** The handlers of one group of opcodes, by their names. */
export type Handlers<Name extends OpcodeName> = { readonly [Each in Name]: Handler };

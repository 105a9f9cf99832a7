import { Opcode, type OpcodeName } from '../opcodes.js';
import { containers } from './containers.js';
import type { Handler, Handlers } from './handler.js';
import { memo } from './memo.js';
import { numbers } from './numbers.js';
import { objects } from './objects.js';
import { outside } from './outside.js';
import { stream } from './stream.js';
import { texts } from './texts.js';

export type { Handler } from './handler.js';

/** Every opcode has one: the type asks for it. */
const byName: Handlers<OpcodeName> = {
  ...stream,
  ...numbers,
  ...texts,
  ...containers,
  ...memo,
  ...objects,
  ...outside,
};

/** What each opcode does, by its byte. */
export const handlers: ReadonlyMap<number, Handler> = new Map(
  Object.entries(byName).map(([name, handler]) => [Opcode[name as OpcodeName], handler]),
);

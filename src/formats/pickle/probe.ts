import { disassemble } from './disassemble.js';

/** Opcodes without a fault after which bytes are taken for a pickle, whether it ends or not. */
const enough = 1000;

const calls: ReadonlySet<string> = new Set(['REDUCE', 'INST', 'OBJ', 'NEWOBJ', 'NEWOBJ_EX', 'BUILD']);
const lines: ReadonlySet<string> = new Set(['decimalnl_short', 'decimalnl_long', 'floatnl', 'stringnl']);

/**
 * Whether a loader of Python would get anywhere with these bytes: pickles of protocols 0 and 1 have no mark to tell them
 * by. They are one when they lead to STOP without a fault, go on for long, or call something before a fault.
 */
export function probePickle(bytes: Uint8Array): boolean {
  let count = 0;
  for (const part of disassemble(bytes)) {
    if (part.kind === 'end') return true;
    if (part.kind === 'problem' && part.stops) return false;
    if (part.kind !== 'instruction') continue;
    const { info, argument } = part;
    // A line that cannot be read as the number or text that it should be.
    if (info.argument !== null && lines.has(info.argument) && argument instanceof Uint8Array) return false;
    // Without someone who knows the ids, a loader stops here; and every zip archive begins with this byte.
    if (info.name === 'PERSID' || info.name === 'BINPERSID') return false;
    if (calls.has(info.name) || ++count >= enough) return true;
  }
  return false;
}

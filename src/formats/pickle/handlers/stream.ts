import { unsupported } from '../limits.js';
import type { Handlers } from './handler.js';

const maxProtocol = 5;

/** The begin, the frames, the end; marks, and what takes values off. */
export const stream = {
  PROTO: (machine) => {
    machine.protocol = machine.cursor.uint8();
    if (machine.protocol > maxProtocol) {
      throw unsupported('pickle', `protocol ${machine.protocol}`, `save with protocol ${maxProtocol} or lower`);
    }
  },
  FRAME: ({ cursor }) => cursor.enterFrame(cursor.length8()),
  STOP: (machine) => {
    const value = machine.stack.pop();
    if (!machine.stack.isEmpty) throw machine.malformed('values are left over at its end');
    machine.cursor.leaveFrame();
    machine.stop(value);
  },
  MARK: ({ stack }) => stack.mark(),
  POP: ({ stack }) => stack.popAny(),
  POP_MARK: ({ stack }) => stack.dropToMark(),
  DUP: ({ stack }) => stack.pushShared(stack.peek()),
} satisfies Handlers<'PROTO' | 'FRAME' | 'STOP' | 'MARK' | 'POP' | 'POP_MARK' | 'DUP'>;

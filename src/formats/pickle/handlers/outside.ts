import { unsafe } from '../limits.js';
import type { Handler, Handlers } from './handler.js';

const refuse =
  (what: string, next = "save an estimator made of scikit-learn's own classes"): Handler =>
  () => {
    throw unsafe('pickle', what, next);
  };

/** Opcodes by which a pickle asks its loader for what is not in the file. None is done. */
export const outside = {
  PERSID: refuse('a persistent id (PERSID)'),
  BINPERSID: refuse('a persistent id (BINPERSID)'),
  EXT1: refuse('a code of the extension registry (EXT1)'),
  EXT2: refuse('a code of the extension registry (EXT2)'),
  EXT4: refuse('a code of the extension registry (EXT4)'),
  NEXT_BUFFER: refuse('buffers kept outside of the file (NEXT_BUFFER)', 'save without buffer_callback'),
  READONLY_BUFFER: refuse('buffers kept outside of the file (READONLY_BUFFER)', 'save without buffer_callback'),
} satisfies Handlers<'PERSID' | 'BINPERSID' | 'EXT1' | 'EXT2' | 'EXT4' | 'NEXT_BUFFER' | 'READONLY_BUFFER'>;

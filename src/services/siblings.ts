import type { Samples } from './metrics/exposition.js';

/**
 * The other processes of this server (`--workers`). What one of them learns, the others hear; what one is asked about
 * the whole server, all of them answer.
 */
export interface Siblings {
  /** Which of the processes this is, from 1. */
  readonly index: number;
  /**
   * The answers of every other process to `topic`, in no order; one that died, has no answer or is silent for five
   * seconds is left out.
   */
  ask(topic: string, question?: unknown): Promise<unknown[]>;
  /** Answers `topic` whenever another process asks. What is given back must survive `structuredClone`. */
  answer(topic: string, respond: (question: unknown) => unknown): void;
  /**
   * Leaves what this process has counted with the primary, which answers for it once it has ended. A process that is the
   * whole server has nobody to tell.
   */
  tellCounts?(samples: Samples): void;
}

/** A process that is the whole server. */
export const noSiblings: Siblings = {
  index: 1,
  ask: () => Promise.resolve([]),
  answer: () => undefined,
};

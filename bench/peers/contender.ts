import type { AnswerForm } from './answers.js';

/** What every server of one workload is asked. */
export interface Question {
  readonly path: string;
  readonly body: Buffer;
  readonly form: AnswerForm;
  readonly expected: unknown;
}

/** A server that takes part: a rival, the bare ceiling, or Vitrina. */
export interface Contender {
  /** `ort-fastapi-w2` */
  readonly name: string;
  /** What competes as one, with its best variant: `ort-fastapi`. */
  readonly family: string;
  readonly role: 'rival' | 'ceiling' | 'ours';
  readonly question: Question;
  /** Further questions that a right server answers too; they are asked once, before the load. */
  readonly probes: readonly Question[];
  /** Sent with every request. */
  readonly authorization: string | undefined;
  /** True when the same question without credentials must get a 401. */
  readonly closed: boolean;
  /** Starts the server, in the background; gives the process at the root of its tree. */
  launch(port: number): Promise<number>;
  /** Asks it to stop and waits a while; what is left of its tree is killed by the caller. No root: it was being launched. */
  halt(port: number, root: number | undefined): void;
  /** The file that its output goes to. */
  logFile(port: number): string;
}

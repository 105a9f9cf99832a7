import type { ToWorker } from './messages.js';

/** A process that can be asked. */
export interface Member {
  send(message: ToWorker): void;
}

interface Ask {
  readonly asker: Member;
  readonly id: number;
  readonly missing: Set<Member>;
  readonly answers: unknown[];
  readonly timer: NodeJS.Timeout;
}

/** One that is silent for this long is left out. */
const patienceMs = 5_000;

/** Passes a worker's question to all others and their answers back, without those of the dead and the silent. */
export class Relay {
  private readonly asks = new Map<number, Ask>();
  private count = 0;

  /** @param known answers that the primary itself has */
  ask(
    asker: Member,
    id: number,
    topic: string,
    question: unknown,
    others: readonly Member[],
    known: readonly unknown[] = [],
  ): void {
    const own = ++this.count;
    const timer = setTimeout(() => this.finish(own), patienceMs);
    this.asks.set(own, { asker, id, missing: new Set(others), answers: [...known], timer });
    for (const other of others) other.send({ kind: 'question', id: own, topic, question });
    if (others.length === 0) this.finish(own);
  }

  answer(member: Member, id: number, answer: unknown): void {
    const ask = this.asks.get(id);
    if (ask === undefined || !ask.missing.delete(member)) return;
    if (answer !== undefined) ask.answers.push(answer);
    if (ask.missing.size === 0) this.finish(id);
  }

  /** A process that ended answers nobody any more. */
  forget(member: Member): void {
    for (const id of [...this.asks.keys()]) this.answer(member, id, undefined);
  }

  private finish(id: number): void {
    const { asker, id: askersId, answers, timer } = this.asks.get(id)!;
    clearTimeout(timer);
    this.asks.delete(id);
    asker.send({ kind: 'answers', id: askersId, answers });
  }
}

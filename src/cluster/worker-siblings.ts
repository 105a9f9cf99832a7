import type { Samples } from '../services/metrics/exposition.js';
import type { Siblings } from '../services/siblings.js';
import type { FromWorker, ToWorker } from './messages.js';

/** The other workers, spoken to by way of the primary, which knows who is there and how long to wait. */
export class WorkerSiblings implements Siblings {
  private readonly responders = new Map<string, (question: unknown) => unknown>();
  private readonly asked = new Map<number, (answers: unknown[]) => void>();
  private asks = 0;

  /** @param send false when the primary is gone; throws when the message cannot travel between processes */
  constructor(
    readonly index: number,
    private readonly send: (message: FromWorker) => boolean,
  ) {}

  async ask(topic: string, question?: unknown): Promise<unknown[]> {
    const id = ++this.asks;
    const answers = new Promise<unknown[]>((resolve) => this.asked.set(id, resolve));
    if (!this.send({ kind: 'ask', id, topic, question })) this.settle(id, []);
    return answers;
  }

  answer(topic: string, respond: (question: unknown) => unknown): void {
    this.responders.set(topic, respond);
  }

  tellCounts(samples: Samples): void {
    this.send({ kind: 'counted', samples });
  }

  /** Takes what the primary passes on. */
  receive(message: ToWorker): void {
    if (message.kind === 'answers') this.settle(message.id, [...message.answers]);
    if (message.kind === 'question') void this.respond(message.id, message.topic, message.question);
  }

  /** Nobody will answer any more. */
  abandon(): void {
    for (const id of [...this.asked.keys()]) this.settle(id, []);
  }

  private settle(id: number, answers: unknown[]): void {
    this.asked.get(id)?.(answers);
    this.asked.delete(id);
  }

  /** Who has no answer, or one that cannot travel, says so: nobody need wait for it. */
  private async respond(id: number, topic: string, question: unknown): Promise<void> {
    try {
      const answer = await this.responders.get(topic)?.(question);
      this.send({ kind: 'answer', id, answer });
    } catch {
      this.send({ kind: 'answer', id, answer: undefined });
    }
  }
}

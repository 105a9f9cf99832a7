import type { AnswerFormat } from './answers.js';
import { AnswerText } from './answers.js';
import type { EventStore, EventTally } from './event.js';
import type { ReaderOptions, UsageQuestion } from './messages.js';
import { byPerson } from './people.js';

export interface AnswerSink {
  /** Takes some of the answer, and waits for its reader. */
  piece(text: string, skipped: number): Promise<void>;
}

/**
 * Characters of an answer that are kept back, so that a fault has a status of its own: few of NDJSON, whose readers want
 * the first people while the last are computed.
 */
const heldLength: Readonly<Record<AnswerFormat, number>> = { json: 2 ** 22, csv: 2 ** 22, ndjson: 2 ** 16 };

/**
 * Reads the events, clusters them person by person, and writes the answer; resolves to its rest, which for most is all of
 * it. Errors: those of the store and of `byPerson`; the reason of `signal`.
 */
export async function answerQuestion(
  { kind, format, query }: UsageQuestion,
  store: EventStore,
  { clustering, maxEvents }: Pick<ReaderOptions, 'clustering' | 'maxEvents'>,
  sink: AnswerSink,
  signal: AbortSignal,
): Promise<{ readonly rest: string; readonly skipped: number }> {
  const tally: EventTally = { skipped: 0 };
  const text = new AnswerText(kind, format, clustering);
  let held = text.begin();
  for await (const person of byPerson(
    store.events({ ...query, screens: kind === 'events' }, signal, tally),
    maxEvents,
  )) {
    for (const piece of text.person(person)) {
      held += piece;
      if (held.length < heldLength[format]) continue;
      await sink.piece(held, tally.skipped);
      signal.throwIfAborted();
      held = '';
    }
  }
  return { rest: held + text.end(), skipped: tally.skipped };
}

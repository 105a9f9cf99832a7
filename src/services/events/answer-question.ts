import type { AnswerFormat } from './answers.js';
import { AnswerText } from './answers.js';
import type { EventStore, EventTally } from './event.js';
import type { ReaderOptions, UsageQuestion } from './messages.js';
import { byPerson } from './people.js';

export interface AnswerSink {
  /** Takes some bytes of the answer, and waits for its reader. */
  piece(bytes: Uint8Array, skipped: number): Promise<void>;
}

/**
 * Bytes of an answer that are kept back, so that a fault has a status of its own: few of NDJSON, whose readers want the
 * first people while the last are computed.
 */
const heldBytes: Readonly<Record<AnswerFormat, number>> = { json: 2 ** 22, csv: 2 ** 22, ndjson: 2 ** 16 };

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
): Promise<{ readonly rest: Uint8Array; readonly skipped: number }> {
  const tally: EventTally = { skipped: 0 };
  const text = new AnswerText(kind, format, clustering);
  let held = [Buffer.from(text.begin())];
  let bytes = 0;
  for await (const person of byPerson(
    store.events({ ...query, screens: kind === 'events' }, signal, tally),
    maxEvents,
  )) {
    for (const piece of text.person(person)) {
      const encoded = Buffer.from(piece);
      held.push(encoded);
      bytes += encoded.length;
      if (bytes < heldBytes[format]) continue;
      await sink.piece(joined(held), tally.skipped);
      signal.throwIfAborted();
      [held, bytes] = [[], 0];
    }
  }
  held.push(Buffer.from(text.end()));
  return { rest: joined(held), skipped: tally.skipped };
}

/** In memory of its own: small buffers share theirs, which cannot be given away. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

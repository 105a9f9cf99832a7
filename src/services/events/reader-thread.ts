/** The inside of a thread that reads events, clusters them and writes the answers, several at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { VitrinaError } from '../../errors.js';
import { openDatabase } from '../../storage/index.js';
import { stepBack } from '../../thread.js';
import { answerQuestion } from './answer-question.js';
import { ElasticsearchEventStore } from './elasticsearch/store.js';
import { EmbeddedEventStore } from './embedded-store.js';
import type { EventStore } from './event.js';
import type { Failure, FromReader, ReaderOptions, ToReader, UsageQuestion } from './messages.js';
import { Outbox } from './outbox.js';

/** As by `nice`: whoever asks for something short is answered first. */
const niceness = 5;

stepBack(niceness);
const options = workerData as ReaderOptions;
const port = parentPort!;
const outbox = new Outbox<FromReader>((messages) => port.postMessage(messages));

/** A request in work: how it is cancelled, and how it learns that its last piece was taken. */
interface Running {
  readonly abort: AbortController;
  more: () => void;
  /** Resolves when nothing more is said about it. */
  done: Promise<void>;
}
const running = new Map<number, Running>();

let opened: Promise<EventStore> | undefined;
/** What could not be opened is tried again by the next who asks. */
function openStore(): Promise<EventStore> {
  opened ??= open().catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function open(): Promise<EventStore> {
  const { store } = options;
  if (store.kind === 'elasticsearch') return new ElasticsearchEventStore(store);
  return new EmbeddedEventStore(await openDatabase(store.database));
}

port.on('message', (messages: readonly ToReader[]) => {
  for (const message of messages) hear(message);
});

function hear(message: ToReader): void {
  if (message === 'close') void close();
  else if ('question' in message) {
    const one: Running = { abort: new AbortController(), more: () => undefined, done: Promise.resolve() };
    running.set(message.id, one);
    one.done = answer(message.id, message.question, one);
  } else if (message.act === 'more') running.get(message.id)?.more();
  else {
    const one = running.get(message.id);
    one?.abort.abort(new Error('The request was cancelled'));
    one?.more();
  }
}

async function answer(id: number, question: UsageQuestion, one: Running): Promise<void> {
  const piece = async (text: string, skipped: number) => {
    const taken = new Promise<void>((resolve) => {
      one.more = resolve;
    });
    outbox.send({ id, piece: text, skipped });
    await taken;
  };
  try {
    const { rest, skipped } = await answerQuestion(question, await openStore(), options, { piece }, one.abort.signal);
    outbox.send({ id, end: rest, skipped });
  } catch (error) {
    outbox.send({ id, failure: failureOf(error) });
  } finally {
    running.delete(id);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof VitrinaError) {
    const { code, fields, headers, message } = error;
    return { code, fields, headers, text: message };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: undefined, fields: undefined, headers: undefined, text };
}

/** Requests that still run give back what they hold of the store; then nothing keeps the thread. */
async function close(): Promise<void> {
  const rest = [...running.values()];
  for (const { abort, more } of rest) {
    abort.abort(new Error('The server stops'));
    more();
  }
  await Promise.all(rest.map(({ done }) => done));
  const store = await opened?.catch(() => undefined);
  await store?.close();
  outbox.flush();
  port.close();
}

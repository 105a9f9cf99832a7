import { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addEvents, EventReaders } from '../../../src/services/events/index.js';
import { sqlite, type TestDatabase } from '../../databases.js';

let database: TestDatabase;
let readers: EventReaders;
const people = Array.from({ length: 20 }, (_, i) => `person ${i}`);
const perPerson = 1000;
const question = (kind: 'sessions' | 'events', utils: readonly string[] = people) =>
  ({ kind, format: 'ndjson', query: { utils, from: 0, to: 1e9 } }) as const;

function open(timeout = 30): EventReaders {
  const { path } = database.options as { path: string };
  const store = { kind: 'embedded', database: { path } } as const;
  return new EventReaders({ store, clustering: {}, maxEvents: 1e6, threads: 1, timeout, maxWaiting: 100 });
}
/** The thread itself, to be done away with. */
const workersOf = (of: EventReaders) => (of as unknown as { readers: { worker: Worker }[] }).readers;

beforeAll(async () => {
  database = await sqlite.fresh();
  const storage = await database.open();
  for (const util of people) {
    const events = Array.from({ length: perPerson }, (_, i) => ({
      id: `${util}-${i}`,
      util,
      ecran: 'a screen with a long name, as there are many',
      instance: 'instance',
      at: i * 1000,
    }));
    await addEvents(storage, events);
  }
  readers = open();
});
afterAll(async () => {
  await readers.close();
  await database.remove();
});

describe('threads that read events', () => {
  it('give short answers whole', async () => {
    const short = { ...question('events', ['nobody', people[0]!]), format: 'json' } as const;
    const { body, skipped, finished } = await readers.ask(short).answer;
    expect(JSON.parse(body as string).ecrans).toHaveLength(perPerson);
    expect([skipped, await finished]).toEqual([0, 0]);
  });

  it('give long answers as they are taken, and no faster', async () => {
    const { body, finished } = await readers.ask(question('events')).answer;
    expect(body).toBeInstanceOf(Readable);
    const stream = body as Readable;
    await new Promise((resolve) => setTimeout(resolve, 300));
    // One piece: the thread waits for word that it was taken.
    expect(stream.readableLength).toBeLessThan(200_000);
    let lines = 0;
    for await (const chunk of stream) lines += String(chunk).split('\n').length - 1;
    expect(lines).toBe(people.length * perPerson);
    expect(await finished).toBe(0);
  });

  it('stop for who leaves, before an answer and in it, and go on for others', async () => {
    const asked = readers.ask(question('events'));
    asked.drop(new Error('left'));
    await expect(asked.answer).rejects.toThrow('left');
    const { body, finished } = await readers.ask(question('events')).answer;
    (body as Readable).destroy();
    await expect(finished).rejects.toMatchObject({ code: 'request-abandoned' });
    for (let i = 0; i < 20; i++) await readers.ask(question('sessions')).answer;
  });

  it('cut off an answer that is taken too slowly', async () => {
    const slow = open(2);
    await slow.ask(question('events', [])).answer.catch(() => undefined);
    const { body, finished } = await slow.ask(question('events')).answer;
    const failed = new Promise((resolve) => (body as Readable).once('error', resolve));
    await expect(finished).rejects.toMatchObject({ code: 'events-too-slow' });
    expect(await failed).toMatchObject({ code: 'events-too-slow' });
    await slow.close();
  });

  it('are replaced when they die', async () => {
    const mortal = open();
    const { body, finished } = await mortal.ask(question('events')).answer;
    const failed = new Promise((resolve) => (body as Readable).once('error', resolve));
    await workersOf(mortal)[0]!.worker.terminate();
    await expect(finished).rejects.toMatchObject({ code: 'events-interrupted' });
    expect(await failed).toMatchObject({ status: 503 });
    expect((await mortal.ask(question('sessions')).answer).skipped).toBe(0);
    await mortal.close();
  });

  it('end with what they have in work', async () => {
    const ending = open();
    const { finished } = await ending.ask(question('events')).answer;
    const waiting = ending.ask(question('sessions')).answer;
    const both = [finished, waiting].map((one) => expect(one).rejects.toMatchObject({ code: 'events-interrupted' }));
    await ending.close();
    await Promise.all(both);
    expect(workersOf(ending)).toHaveLength(0);
    await expect(ending.ask(question('sessions')).answer).rejects.toMatchObject({ code: 'events-interrupted' });
  });
});

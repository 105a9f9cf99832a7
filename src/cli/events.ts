import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { VitrinaError } from '../errors.js';
import { addEvents, eventId, type NamedEvent, purgeEvents, readEvent, readInstant } from '../services/events/index.js';
import type { Storage } from '../storage/index.js';
import { type DatabaseFlags, databaseCommand, print, remark, withStorage } from './accounts-on-disk.js';
import { exitCodes } from './exit-codes.js';

type Flags = DatabaseFlags;

export function register(program: Command): void {
  const events = program
    .command('events')
    .description('The screen events that the sessions app clusters.')
    .addHelpText(
      'after',
      `
Examples:
  vitrina events import events.ndjson
  vitrina events purge --before 2026-01-01`,
    );
  databaseCommand(
    events,
    'import',
    'Add events from a file: one JSON object a line, with util, ecran, instance, @timestamp, and id.',
  )
    .argument('<file>', 'NDJSON; - for standard input')
    .addHelpText(
      'after',
      `
An id that is there already is the same event, and passed over; without ids, equal events are one. Lines that are no
events are passed over and told, and the exit code is 1. A server may be running on the same database.

Examples:
  vitrina events import events.ndjson
  zcat events.ndjson.gz | vitrina events import - --json`,
    )
    .action((file: string, flags: Flags) =>
      withStorage(flags, async (storage) => {
        const counts = await importFile(storage, file);
        const { read, added, refused } = counts;
        if (flags.json) print(JSON.stringify({ read, new: added, refused }));
        else print(`${read} events, ${added} of them new; ${refused} lines were no events.`);
        if (refused > 0) process.exitCode = exitCodes.failed;
      }),
    );
  databaseCommand(events, 'purge', 'Remove events from before a time.')
    .requiredOption('--before <time>', 'a date or time in ISO 8601 (UTC unless a zone is given), or the epoch')
    .addHelpText('after', '\nExamples:\n  vitrina events purge --before 2026-01-01')
    .action((flags: Flags & { readonly before: string }) =>
      withStorage(flags, async (storage) => {
        const removed = await purgeEvents(storage, readTime(flags.before));
        print(flags.json ? JSON.stringify({ removed }) : `${removed} events were removed.`);
      }),
    );
}

/** Events that are written at a time. */
const batchSize = 2_000;
/** Lines that are told one by one. */
const mostTold = 10;

async function importFile(storage: Storage, file: string): Promise<{ read: number; added: number; refused: number }> {
  const counts = { read: 0, added: 0, refused: 0 };
  let batch: NamedEvent[] = [];
  const write = async () => {
    counts.added += await addEvents(storage, batch);
    batch = [];
  };
  let number = 0;
  for await (const line of linesOf(file)) {
    number++;
    if (line.trim() === '') continue;
    const event = readLine(line);
    if (typeof event === 'string') {
      if (++counts.refused <= mostTold) remark(`${file}, line ${number}: ${event}.`);
      continue;
    }
    counts.read++;
    if (batch.push(event) >= batchSize) await write();
  }
  await write();
  return counts;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new VitrinaError('path-unusable', { path: file, problem }, { cause });
  }
}

/** What is wrong with the line, as a text. */
function readLine(line: string): NamedEvent | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `it is no JSON: ${(error as Error).message.slice(0, 200)}`;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const named = isObject && !Object.hasOwn(value as object, 'id') ? { ...(value as object), id: '' } : value;
  const event = readEvent(named);
  if ('faults' in event) {
    return event.faults.map(({ field, expected }) => `${field || 'it'} is not ${expected}`).join(', ');
  }
  return event.id === '' ? { ...event, id: eventId(event) } : event;
}

/** @throws VitrinaError `request-invalid` */
function readTime(text: string): number {
  const time = readInstant(text);
  if (!Number.isNaN(time)) return Math.ceil(time);
  const problems = [{ path: '--before', message: `is "${text.slice(0, 40)}"; expected a time, like 2026-01-01` }];
  throw new VitrinaError('request-invalid', { problems });
}

/** Answers about usage as text: JSON, CSV, NDJSON. */
import { writeCsvCell } from '../../formats/index.js';
import type { HdbscanOptions } from '../../learn/hdbscan/index.js';
import { compareCodePoints } from './event.js';
import type { PersonEvents } from './people.js';
import { type UsageSession, usageSessions } from './usage-sessions.js';

export type AnswerKind = 'sessions' | 'events' | 'summary';
export type AnswerFormat = 'json' | 'csv' | 'ndjson';

/** One row of an answer: its cells by name. */
interface Table {
  /** The member of the JSON object that holds the rows. */
  readonly member: string;
  readonly columns: readonly string[];
  /** Whether a JSON row is a list, and no object. */
  readonly lists: boolean;
  rowsOf(person: PersonEvents, options: HdbscanOptions): Iterable<readonly (string | number)[]>;
}

const iso = (time: number) => new Date(time).toISOString();

const tables: Readonly<Record<AnswerKind, Table>> = {
  sessions: {
    member: 'sessions',
    columns: ['debut', 'fin', 'instance', 'personne'],
    lists: false,
    rowsOf: (person, options) =>
      usageSessions(person, options).map(({ start, end, instance }) => [iso(start), iso(end), instance, person.util]),
  },
  events: { member: 'ecrans', columns: ['timestamp', 'util', 'ecran', 'instance'], lists: true, rowsOf: eventRows },
  summary: {
    member: 'summary',
    columns: ['personne', 'instance', 'sessions', 'total_seconds', 'median_seconds'],
    lists: false,
    rowsOf: (person, options) => summaryRows(person.util, usageSessions(person, options)),
  },
};

/** By time; of one millisecond by screen, then instance, so that rows do not depend on how the store keeps them. */
function* eventRows({ util, count, times, screens, instances, names }: PersonEvents) {
  for (let i = 0; i < count; ) {
    let end = i + 1;
    while (end < count && times[end] === times[i]) end++;
    const same = Array.from(
      { length: end - i },
      (_, k) => [names[screens[i + k]!]!, names[instances[i + k]!]!] as const,
    );
    if (same.length > 1) same.sort((a, b) => compareCodePoints(a[0], b[0]) || compareCodePoints(a[1], b[1]));
    for (const [screen, instance] of same) yield [times[i]!, util, screen, instance];
    i = end;
  }
}

function summaryRows(util: string, sessions: readonly UsageSession[]): (string | number)[][] {
  const durations = new Map<string, number[]>();
  for (const { start, end, instance } of sessions) {
    const list = durations.get(instance);
    if (list === undefined) durations.set(instance, [end - start]);
    else list.push(end - start);
  }
  return [...durations]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([instance, list]) => {
      list.sort((a, b) => a - b);
      const total = list.reduce((sum, duration) => sum + duration, 0);
      const median = (list[(list.length - 1) >> 1]! + list[list.length >> 1]!) / 2;
      return [util, instance, list.length, total / 1000, median / 1000];
    });
}

/** Pieces of text are made of so many characters. */
const pieceLength = 65_536;

/** Writes the answer of one request, person by person. Each method gives the texts to send next, in pieces. */
export class AnswerText {
  private readonly table: Table;
  private first = true;

  constructor(
    kind: AnswerKind,
    private readonly format: AnswerFormat,
    private readonly options: HdbscanOptions,
  ) {
    this.table = tables[kind];
  }

  begin(): string {
    const { member, columns } = this.table;
    if (this.format === 'json') return `{"${member}":[`;
    return this.format === 'csv' ? `${columns.join(',')}\r\n` : '';
  }

  *person(person: PersonEvents): Generator<string> {
    let text = '';
    for (const row of this.table.rowsOf(person, this.options)) {
      text += this.row(row);
      if (text.length < pieceLength) continue;
      yield text;
      text = '';
    }
    if (text !== '') yield text;
  }

  end(): string {
    return this.format === 'json' ? ']}' : '';
  }

  private row(row: readonly (string | number)[]): string {
    if (this.format === 'csv') return `${row.map((cell) => writeCsvCell(String(cell), row.length)).join(',')}\r\n`;
    const { columns, lists } = this.table;
    const text = lists
      ? JSON.stringify(row)
      : `{${row.map((cell, i) => `"${columns[i]}":${JSON.stringify(cell)}`).join(',')}}`;
    if (this.format === 'ndjson') return `${text}\n`;
    const separator = this.first ? '' : ',';
    this.first = false;
    return separator + text;
  }
}

/** Answers about usage as text: JSON, CSV, NDJSON. */
import { writeCsvCell } from '../../formats/index.js';
import type { HdbscanOptions } from '../../learn/hdbscan/index.js';
import { compareCodePoints } from './event.js';
import type { PersonEvents } from './people.js';
import { type UsageSession, usageSessions } from './usage-sessions.js';

export type AnswerKind = 'sessions' | 'events' | 'summary';
export type AnswerFormat = 'json' | 'csv' | 'ndjson';

/** What a cell holds: a number, a text, or milliseconds since 1970 that are told as ISO 8601. */
type CellKind = 'number' | 'text' | 'time';

/** One row of an answer: its cells by name. */
interface Table {
  /** The member of the JSON object that holds the rows. */
  readonly member: string;
  readonly columns: readonly (readonly [name: string, kind: CellKind])[];
  /** Whether a JSON row is a list, and no object. */
  readonly lists: boolean;
  rowsOf(person: PersonEvents, options: HdbscanOptions): Iterable<readonly (string | number)[]>;
}

const tables: Readonly<Record<AnswerKind, Table>> = {
  sessions: {
    member: 'sessions',
    columns: [
      ['debut', 'time'],
      ['fin', 'time'],
      ['instance', 'text'],
      ['personne', 'text'],
    ],
    lists: false,
    rowsOf: (person, options) =>
      usageSessions(person, options).map(({ start, end, instance }) => [start, end, instance, person.util]),
  },
  events: {
    member: 'ecrans',
    columns: [
      ['timestamp', 'number'],
      ['util', 'text'],
      ['ecran', 'text'],
      ['instance', 'text'],
    ],
    lists: true,
    rowsOf: eventRows,
  },
  summary: {
    member: 'summary',
    columns: [
      ['personne', 'text'],
      ['instance', 'text'],
      ['sessions', 'number'],
      ['total_seconds', 'number'],
      ['median_seconds', 'number'],
    ],
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
/** No longer text of a person is kept for the next who asks. */
const keptLength = 2 ** 22;

/** Writes the answer of one request, person by person. Each method gives the texts to send next, in pieces. */
export class AnswerText {
  private readonly table: Table;
  /** [columns] what stands before each cell; what ends a row; what stands between rows */
  private readonly before: readonly string[];
  private readonly after: string;
  private readonly between: string;
  /** Under what the rows of a person are kept. */
  private readonly what: string;
  private first = true;
  private readonly clock = new IsoClock();
  /** Texts as JSON has them: names come again and again. */
  private readonly quoted = new Map<string, string>();

  constructor(
    kind: AnswerKind,
    private readonly format: AnswerFormat,
    private readonly options: HdbscanOptions,
  ) {
    this.table = tables[kind];
    const { columns, lists } = this.table;
    const [open, close] = format === 'csv' ? ['', ''] : lists ? ['[', ']'] : ['{', '}'];
    const name = (column: string) => (format === 'csv' || lists ? '' : `"${column}":`);
    this.before = columns.map(([column], i) => `${i === 0 ? open : ','}${name(column)}`);
    this.after = `${close}${rowEnds[format]}`;
    this.between = format === 'json' ? ',' : '';
    this.what = `${kind} ${format} ${JSON.stringify(options)}`;
  }

  begin(): string {
    const { member, columns } = this.table;
    if (this.format === 'json') return `{"${member}":[`;
    return this.format === 'csv' ? `${columns.map(([name]) => name).join(',')}\r\n` : '';
  }

  *person(person: PersonEvents): Generator<string> {
    const known = person.made?.find(this.what);
    let whole = '';
    for (const piece of known === undefined ? this.pieces(person) : [known]) {
      if (piece === '') continue;
      if (whole.length <= keptLength) whole += whole === '' ? piece : this.between + piece;
      yield this.first ? piece : this.between + piece;
      this.first = false;
    }
    if (known === undefined && whole.length <= keptLength) person.made?.keep(this.what, whole);
  }

  end(): string {
    return this.format === 'json' ? ']}' : '';
  }

  private *pieces(person: PersonEvents): Generator<string> {
    let rows: string[] = [];
    let length = 0;
    for (const row of this.table.rowsOf(person, this.options)) {
      const text = this.row(row);
      rows.push(text);
      length += text.length;
      if (length < pieceLength) continue;
      yield rows.join(this.between);
      rows = [];
      length = 0;
    }
    yield rows.join(this.between);
  }

  private row(row: readonly (string | number)[]): string {
    const { columns } = this.table;
    let text = '';
    for (let i = 0; i < columns.length; i++) text += this.before[i]! + this.cell(columns[i]![1], row[i]!);
    return text + this.after;
  }

  private cell(kind: CellKind, cell: string | number): string {
    const plain = kind === 'time' ? this.clock.textOf(cell as number) : String(cell);
    if (this.format === 'csv') return writeCsvCell(plain, this.table.columns.length);
    if (kind === 'text') return this.quote(plain);
    return kind === 'time' ? `"${plain}"` : plain;
  }

  private quote(text: string): string {
    let quoted = this.quoted.get(text);
    if (quoted === undefined) {
      quoted = JSON.stringify(text);
      if (this.quoted.size < mostQuoted) this.quoted.set(text, quoted);
    }
    return quoted;
  }
}

const rowEnds: Readonly<Record<AnswerFormat, string>> = { json: '', csv: '\r\n', ndjson: '\n' };
const mostQuoted = 10_000;
const dayMs = 86_400_000;
const twoDigits = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
const threeDigits = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));

/** `Date.prototype.toISOString`, for times of which many are of one day. */
class IsoClock {
  private day = Number.NaN;
  private date = '';

  textOf(time: number): string {
    const day = Math.floor(time / dayMs);
    if (day !== this.day) {
      this.day = day;
      this.date = new Date(day * dayMs).toISOString().slice(0, -'00:00:00.000Z'.length);
    }
    const ms = time - day * dayMs;
    const seconds = Math.floor(ms / 1000);
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const clock = `${twoDigits[hours]}:${twoDigits[minutes - hours * 60]}:${twoDigits[seconds - minutes * 60]}`;
    return `${this.date}${clock}.${threeDigits[ms - seconds * 1000]}Z`;
  }
}

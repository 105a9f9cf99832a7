import { hash } from 'node:crypto';
import { sql } from 'kysely';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { VitrinaError } from '../../errors.js';
import type { Storage } from '../../storage/index.js';
import type { Enqueued, EnqueueOptions, JobKind, JobTransaction } from './job.js';
import { defaultRetry } from './job.js';
import { newJobId } from './job-id.js';

export interface JobQueueOptions {
  readonly storage: Storage;
  /** Days for which ended jobs are kept, unless their kind says. */
  readonly keepDays: number;
  /** Told the ids and priorities of jobs that may run now, once they are durable. */
  readonly wake: (jobs: readonly Waking[]) => void;
  readonly clock?: () => number;
}

export interface Waking {
  readonly id: string;
  readonly priority: number;
}

type NewRow = ReturnType<JobQueue['rowOf']>;

interface Waiting {
  readonly row: NewRow;
  readonly resolve: (enqueued: Enqueued) => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes of a job's input. What is larger belongs into a file that the input names. */
const mostInput = 1_000_000;
/** Rows that are written in one statement. */
const mostAtOnce = 500;
const dayMs = 86_400_000;

/**
 * Where jobs are asked for. They are in the database: what `enqueue` has told is there after a crash, and what was asked
 * for in a transaction is there when that is committed.
 */
export class JobQueue {
  private readonly waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private readonly checks = new WeakMap<TSchema, ReturnType<typeof Compile>>();

  constructor(private readonly options: JobQueueOptions) {}

  /**
   * Asks for a job. Resolves when it is durable; several that are asked for at once are written together.
   *
   * @throws VitrinaError `job-input-invalid`, `storage-…`
   */
  enqueue<Input extends TSchema>(
    kind: JobKind<Input>,
    input: Static<Input>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    const row = this.rowOf(kind, input, options);
    return new Promise((resolve, reject) => {
      this.waiting.push({ row, resolve, reject });
      this.flushing ??= this.flush();
    });
  }

  /**
   * Asks for a job in the caller's transaction. Workers hear of it by themselves within a second of the commit; at once
   * when the caller says `announce()` after it.
   *
   * @throws VitrinaError `job-input-invalid`, `storage-…`
   */
  async enqueueIn<Input extends TSchema>(
    transaction: JobTransaction,
    kind: JobKind<Input>,
    input: Static<Input>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued & { announce(): void }> {
    const row = this.rowOf(kind, input, options);
    const [enqueued] = await insert(transaction, this.options.storage.kind, [row]);
    return { ...enqueued!, announce: () => this.announce([row], [enqueued!]) };
  }

  private async flush(): Promise<void> {
    // What is asked for in the same turn goes along.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, mostAtOnce);
      const rows = batch.map(({ row }) => row);
      try {
        const enqueued = await insert(this.options.storage.db, this.options.storage.kind, rows);
        this.announce(rows, enqueued);
        for (const [i, { resolve }] of batch.entries()) resolve(enqueued[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.flushing = undefined;
  }

  private announce(rows: readonly NewRow[], enqueued: readonly Enqueued[]): void {
    const ready = rows.filter((row, i) => enqueued[i]!.isNew && row.state === 'queued');
    if (ready.length > 0) this.options.wake(ready.map(({ id, priority }) => ({ id, priority })));
  }

  private rowOf<Input extends TSchema>(kind: JobKind<Input>, input: Static<Input>, options: EnqueueOptions) {
    this.check(kind, input);
    const now = (this.options.clock ?? Date.now)();
    const { attempts, withinMs } = { ...defaultRetry, ...kind.retry };
    const { priority = 0, delayMs = 0, limit } = options;
    const text = JSON.stringify(input);
    if (text.length > mostInput) {
      const why = `it has ${text.length} characters of JSON, and ${mostInput} are the most`;
      throw new VitrinaError('job-input-invalid', { job: kind.name, why });
    }
    return {
      id: options.id ?? newJobId(now),
      name: kind.name,
      state: delayMs > 0 ? ('scheduled' as const) : ('queued' as const),
      priority: Math.max(-100, Math.min(100, Math.round(priority))),
      run_at: now + delayMs,
      announced: 0,
      input: text,
      idempotency_key: options.idempotencyKey === undefined ? null : keyOf(options.idempotencyKey),
      owner: options.owner ?? null,
      key_id: options.keyId ?? null,
      limited: kind.concurrency === undefined && limit === undefined ? 0 : 1,
      name_limit: kind.concurrency ?? null,
      limit_key: limit?.key ?? null,
      key_limit: limit?.most ?? null,
      attempts: 0,
      attempts_before: 0,
      max_attempts: attempts,
      give_up_ms: withinMs ?? null,
      give_up_at: withinMs === undefined ? null : now + delayMs + withinMs,
      retention_ms: Math.round((kind.keepDays ?? this.options.keepDays) * dayMs),
      created_at: now,
    };
  }

  private check(kind: JobKind, input: unknown): void {
    let compiled = this.checks.get(kind.input);
    if (compiled === undefined) {
      compiled = Compile(kind.input);
      this.checks.set(kind.input, compiled);
    }
    if (compiled.Check(input)) return;
    const [first] = compiled.Errors(input);
    const why = first === undefined ? 'it does not fit' : `${first.instancePath || 'it'} ${first.message}`;
    throw new VitrinaError('job-input-invalid', { job: kind.name, why });
  }
}

/** As it is, or what stands for it where it is long or has characters that not every database keeps. */
const keyOf = (given: string): string =>
  /^[\x20-\x7e]{1,255}$/.test(given) && !given.startsWith('sha256:') ? given : `sha256:${hash('sha256', given)}`;

/** Inserts those that are not there, and tells of each what is there now. */
async function insert(
  db: Storage['db'] | JobTransaction,
  kind: Storage['kind'],
  rows: readonly NewRow[],
): Promise<Enqueued[]> {
  const { rows: inserted } = await insertRows(db, kind, rows);
  const isNew = new Set(inserted.map(({ id }) => id));
  const known = isNew.size === rows.length ? new Map<string, Enqueued>() : await findKnown(db, rows, isNew);
  return rows.map(({ id, name, idempotency_key, state }) => {
    if (isNew.has(id)) return { id, state, isNew: true };
    const found = known.get(`${name}\n${idempotency_key}`);
    // It ended and was removed between the two statements: whoever asks again gets a new one.
    if (found === undefined) throw new VitrinaError('storage-unavailable', { why: 'the job was removed meanwhile' });
    return found;
  });
}

/** The rows as one value: a statement with a thousand parameters takes longer to write than to carry out. */
function insertRows(db: Storage['db'] | JobTransaction, kind: Storage['kind'], rows: readonly NewRow[]) {
  const names = Object.keys(rows[0]!);
  const columns = sql.join(names.map((name) => sql.id(name)));
  const given = JSON.stringify(rows);
  const source =
    kind === 'postgres'
      ? sql`select ${columns} from json_populate_recordset(null::jobs, ${given}::json)`
      : sql`select ${sql.join(names.map((name) => sql`value ->> ${sql.lit(name)}`))} from json_each(${given})`;
  return sql<{
    id: string;
  }>`insert into jobs (${columns}) ${source} where true on conflict do nothing returning id`.execute(db);
}

async function findKnown(db: Storage['db'] | JobTransaction, rows: readonly NewRow[], isNew: ReadonlySet<string>) {
  const found = new Map<string, Enqueued>();
  const missing = rows.filter(({ id }) => !isNew.has(id));
  const keysByName = new Map<string, string[]>();
  for (const { name, idempotency_key } of missing) {
    keysByName.set(name, [...(keysByName.get(name) ?? []), idempotency_key!]);
  }
  for (const [name, keys] of keysByName) {
    const known = await db
      .selectFrom('jobs')
      .select(['id', 'state', 'idempotency_key'])
      .where('name', '=', name)
      .where('idempotency_key', 'in', keys)
      .execute();
    for (const { id, state, idempotency_key } of known) {
      found.set(`${name}\n${idempotency_key}`, { id, state, isNew: false });
    }
  }
  return found;
}

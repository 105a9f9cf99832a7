import type { Selectable } from 'kysely';
import type { Static, TSchema } from 'typebox';
import type { JobsTable } from '../../storage/schema.js';

export const jobStates = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

export type JobRow = Selectable<JobsTable>;

export const claimedColumns = [
  'id',
  'name',
  'input',
  'priority',
  'owner',
  'key_id',
  'limited',
  'attempts',
  'attempts_before',
  'max_attempts',
  'give_up_at',
  'retention_ms',
  'cancel_at',
  'created_at',
  'started_at',
] as const;

/** What a worker knows of a job that it runs. */
export type ClaimedJob = Pick<JobRow, (typeof claimedColumns)[number]>;

/** How attempts that fail are followed by others. */
export interface RetryPolicy {
  /** Attempts at most. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, about; twice as many before each that follows. */
  readonly firstDelayMs: number;
  /** The most that an attempt waits for the one before. */
  readonly mostDelayMs: number;
  /** Milliseconds since it was asked for after which there is no further attempt. */
  readonly withinMs?: number;
}

export const defaultRetry: RetryPolicy = { attempts: 5, firstDelayMs: 1_000, mostDelayMs: 300_000 };

/** What everybody has to know of jobs of one name: those who ask for them, and those who run them. */
export interface JobKind<Input extends TSchema = TSchema> {
  /** Unique over all apps: `artwork.package`. */
  readonly name: string;
  readonly input: Input;
  readonly retry?: Partial<RetryPolicy>;
  /** Milliseconds that an attempt may take; an hour unless given. */
  readonly timeoutMs?: number;
  /** Most jobs of the kind that run at a time, over all workers. */
  readonly concurrency?: number;
  /** Days for which an ended job is kept; the server's setting unless given. */
  readonly keepDays?: number;
}

/** A kind, and how its jobs are done. */
export interface JobDefinition<Input extends TSchema = TSchema> extends JobKind<Input> {
  /** When jobs of the kind are made by themselves; the input is `{}`. */
  readonly schedule?: { readonly cron: string; readonly timeZone?: string };
  /**
   * Does the job, perhaps for a second time: a worker may die after the last step and before the result is written. What
   * it gives, JSON, is the job's result. What it throws is tried again, but for a `VitrinaError` of less than 500 and
   * `JobRefused`.
   */
  run(context: JobContext<Static<Input>>): Promise<unknown>;
  /** Called when the job has ended long ago and is removed: for what it left on disk. */
  removed?(id: string): Promise<void>;
  /** Called in the transaction that makes the job fail or be cancelled for good. */
  ended?(transaction: JobTransaction, job: EndedJob<Static<Input>>): Promise<void>;
}

/** Checks the types where a job is written. */
export function defineJob<Input extends TSchema>(definition: JobDefinition<Input>): JobDefinition {
  return definition as unknown as JobDefinition;
}

export interface JobContext<Input = unknown> {
  readonly id: string;
  readonly input: Input;
  /** From 1, also when the job runs anew after it had ended. */
  readonly attempt: number;
  /** Attempts of the job in all its life, this one included. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly owner: number | null;
  readonly keyId: string | null;
  /** Aborted when the job is cancelled, takes too long, or is no longer this worker's. */
  readonly signal: AbortSignal;
  /** Tells those who wait how far it is, JSON; the latest stands for all before. */
  progress(value: unknown): void;
  /** Does `act` in the transaction that makes the job succeed: both are done, or neither. */
  whenDone(act: (transaction: JobTransaction) => Promise<void>): void;
}

export interface EndedJob<Input = unknown> {
  readonly id: string;
  /** Attempts of the job in all its life. */
  readonly attempts: number;
  readonly input: Input;
  readonly state: 'failed' | 'cancelled';
  readonly error: JobFailure;
}

/** What went wrong, for those who look. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
}

export type JobTransaction = import('kysely').Transaction<import('../../storage/schema.js').Database>;

/** No attempt of the job can succeed: it fails at once. */
export class JobRefused extends Error {
  override readonly name = 'JobRefused';
  constructor(
    message: string,
    readonly code = 'job-refused',
  ) {
    super(message);
  }
}

/** Thrown to be tried again at a time that somebody else has named. */
export class JobPostponed extends Error {
  override readonly name = 'JobPostponed';
  constructor(
    message: string,
    /** Milliseconds that the next attempt waits at least. */
    readonly delayMs: number,
  ) {
    super(message);
  }
}

export interface EnqueueOptions {
  /** Of two jobs of one kind with the same key there is one. */
  readonly idempotencyKey?: string;
  /** -100 to 100; the higher goes first. */
  readonly priority?: number;
  /** Milliseconds before it may run. */
  readonly delayMs?: number;
  readonly owner?: number;
  readonly keyId?: string;
  /** Whose jobs, of whatever kind, run `most` at a time. */
  readonly limit?: { readonly key: string; readonly most: number };
  /** The job's id, where files were written under it before; made here unless given. */
  readonly id?: string;
}

export interface Enqueued {
  readonly id: string;
  readonly state: JobState;
  /** False when a job with that idempotency key was there. */
  readonly isNew: boolean;
}

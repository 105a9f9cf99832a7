import type { JobDesk, JobRow } from '../../index.js';

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
const json = (text: string | null) => (text === null ? null : (JSON.parse(text) as unknown));

/** A waiting job is queued, whether for its first attempt or for another. */
const states = {
  scheduled: 'queued',
  queued: 'queued',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'failed',
} as const;

export const statusOf = ({ state }: Pick<JobRow, 'state'>): string => states[state];

/** A package's job, with every attempt to call back. */
export async function viewPackage(row: JobRow, callbacks: readonly JobRow[], desk: JobDesk) {
  const { no_transaction_id, ntd_transaction_id } = JSON.parse(row.input) as Record<string, string | null>;
  return {
    job_id: row.id,
    status: statusOf(row),
    no_transaction_id: no_transaction_id ?? null,
    ntd_transaction_id: ntd_transaction_id!,
    created_at: time(row.created_at),
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
    attempts: row.attempts,
    progress: json(row.progress),
    result: json(row.result),
    error: json(row.error),
    callbacks: await Promise.all(callbacks.map((callback) => viewCallback(callback, desk))),
  };
}

async function viewCallback(row: JobRow, desk: JobDesk) {
  const failures = await desk.attempts(row.id);
  const attempts = failures.map(({ attempt, started_at, error }) => ({
    attempt,
    at: time(started_at),
    heard: false,
    problem: (JSON.parse(error) as { message: string }).message,
  }));
  const heard = row.state === 'succeeded' ? [{ attempt: row.attempts, at: time(row.started_at), heard: true }] : [];
  return {
    job_id: row.id,
    status: row.state === 'failed' ? 'callback_failed' : statusOf(row),
    next_at: row.state === 'scheduled' ? time(row.run_at) : null,
    attempts: [...attempts, ...heard],
  };
}

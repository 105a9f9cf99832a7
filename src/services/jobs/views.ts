import type { JobRow } from './job.js';

const json = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A job as its owner sees it, over HTTP and on the command line. */
export function viewJob(row: JobRow) {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    priority: row.priority,
    attempts: row.attempts,
    progress: json(row.progress),
    result: json(row.result),
    error: json(row.error) as { code: string; message: string } | null,
    cancelRequested: row.cancel_at !== null,
    createdAt: time(row.created_at)!,
    runAt: time(row.run_at)!,
    startedAt: time(row.started_at),
    finishedAt: time(row.finished_at),
    expiresAt: time(row.expires_at),
  };
}

export type JobView = ReturnType<typeof viewJob>;

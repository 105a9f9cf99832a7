import { Readable } from 'node:stream';
import type { Storage } from '../../storage/index.js';
import type { JobRow } from './job.js';
import { viewJob } from './views.js';

/** Milliseconds between looks at the jobs that are watched. */
const lookMs = 500;
/** A comment after so long without an event, so that proxies keep the connection. */
const keepAliveMs = 15_000;

interface Watcher {
  readonly stream: Readable;
  seen: string;
  spokenAt: number;
}

/**
 * Server-sent events of jobs, for any number of watchers by one look at the database. They see what any process does.
 *
 * Form: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class JobWatch {
  private readonly watchers = new Map<string, Set<Watcher>>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(private readonly storage: Storage) {}

  /** The job as it is, and then whenever it changes; the stream ends with the job. */
  events(row: JobRow): Readable {
    const stream = new Readable({
      read: () => undefined,
      destroy: (_error, done) => {
        const left = this.watchers.get(row.id);
        left?.delete(watcher);
        if (left?.size === 0) this.watchers.delete(row.id);
        if (this.watchers.size === 0) this.rest();
        done(null);
      },
    });
    const watcher: Watcher = { stream, seen: '', spokenAt: 0 };
    const others = this.watchers.get(row.id);
    if (others === undefined) this.watchers.set(row.id, new Set([watcher]));
    else others.add(watcher);
    this.tell(watcher, row);
    this.timer ??= setInterval(() => void this.look(), lookMs).unref();
    return stream;
  }

  close(): void {
    for (const watchers of this.watchers.values()) for (const { stream } of watchers) stream.push(null);
    this.watchers.clear();
    this.rest();
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const ids = [...this.watchers.keys()];
      const rows = await this.storage.db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute();
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const id of ids) for (const watcher of this.watchers.get(id) ?? []) this.tell(watcher, byId.get(id));
    } catch {
      // The database is away; the next look tells what has become of the jobs.
    } finally {
      this.looking = false;
    }
  }

  private tell(watcher: Watcher, row: JobRow | undefined): void {
    const { stream } = watcher;
    const now = Date.now();
    if (row === undefined) {
      stream.push(null);
      return;
    }
    const text = JSON.stringify(viewJob(row));
    if (text !== watcher.seen) {
      watcher.seen = text;
      watcher.spokenAt = now;
      stream.push(`event: job\ndata: ${text}\n\n`);
    } else if (now - watcher.spokenAt > keepAliveMs) {
      watcher.spokenAt = now;
      stream.push(': still there\n\n');
    }
    if (row.finished_at !== null && ['succeeded', 'failed', 'cancelled'].includes(row.state)) stream.push(null);
  }
}

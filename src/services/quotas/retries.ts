/** Milliseconds before the database is told again what it did not take. */
const STEP = 250;

/** Acts that are repeated until they succeed, each by its id; the latest of one id stands for all before. */
export class Retries {
  private readonly pending = new Map<string, () => Promise<unknown>>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;

  /** Acts now, and later where that fails. Never fails. */
  async attempt(id: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch {
      this.later(id, act);
    }
  }

  later(id: string, act: () => Promise<unknown>): void {
    // Behind all others, so that one which fails for long keeps nobody else waiting.
    this.pending.delete(id);
    this.pending.set(id, act);
    if (this.timer !== undefined || this.closed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, STEP).unref();
  }

  /** A last attempt at what is left. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.flush();
  }

  private flush(): Promise<void> {
    this.flushing ??= this.flushAll().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  /** Stops at the first that fails: the database is away, most likely. */
  private async flushAll(): Promise<void> {
    for (const [id, act] of [...this.pending]) {
      try {
        await act();
        if (this.pending.get(id) === act) this.pending.delete(id);
      } catch {
        this.later(id, act);
        return;
      }
    }
  }
}

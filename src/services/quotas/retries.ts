/** Milliseconds before what failed is tried again. */
const STEP = 250;

type Act = () => Promise<unknown>;

/** Acts that are repeated until they succeed, each by its id; the latest of one id stands for all before. */
export class Retries {
  private readonly pending = new Map<string, Act>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;

  /** Acts now, and later where that fails. Never fails. */
  async attempt(id: string, act: Act): Promise<void> {
    try {
      await act();
    } catch {
      this.later(id, act);
    }
  }

  later(id: string, act: Act): void {
    // Behind all others, so that one which fails for long keeps nobody else waiting.
    this.pending.delete(id);
    this.pending.set(id, act);
    this.schedule();
  }

  /** A last attempt at what is left. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.flush();
  }

  private schedule(): void {
    if (this.timer !== undefined || this.flushing !== undefined || this.closed || this.pending.size === 0) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, STEP).unref();
  }

  private flush(): Promise<void> {
    this.flushing ??= this.flushAll().finally(() => {
      this.flushing = undefined;
      // What came meanwhile, or failed again.
      this.schedule();
    });
    return this.flushing;
  }

  /** Stops at the first that fails: the database is away, most likely. */
  private async flushAll(): Promise<void> {
    for (const [id, act] of [...this.pending]) {
      try {
        await act();
      } catch {
        this.later(id, act);
        return;
      }
      if (this.pending.get(id) === act) this.pending.delete(id);
    }
  }
}

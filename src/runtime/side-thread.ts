import type { Tensor } from '../tensor.js';
import type { Session, SessionOptions } from './session.js';
import { openWorkerSession } from './worker-session.js';

/** Milliseconds without a run after which the thread ends: it holds a second copy of the graph. */
const idleMs = 30_000;
/** Milliseconds before a thread that could not be started, or that died, is asked for again. */
const retryMs = 10_000;

/**
 * `session`, which computes on the event loop, with a thread beside it for large batches: started when one is first asked
 * for, ended when none has come for a while. Both hold the graph.
 */
export function addSideThread(session: Session, graph: Uint8Array, options: SessionOptions = {}): Session {
  const side = new SideThread(graph, options);
  return {
    ...session,
    runAside: (inputs) => side.run(inputs),
    async close() {
      await session.close();
      await side.close();
    },
  };
}

class SideThread {
  private session: Session | undefined;
  private opening: Promise<void> | undefined;
  private closed = false;
  private lastRun = 0;
  private notBefore = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly graph: Uint8Array,
    private readonly options: SessionOptions,
  ) {}

  /** `undefined` while there is no thread yet. Errors: those of `Session.run`. */
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> | undefined {
    const now = performance.now();
    if (this.session === undefined) {
      if (!this.closed && now >= this.notBefore) this.opening ??= this.open();
      return undefined;
    }
    this.lastRun = now;
    return this.session.run(inputs);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.opening;
    await this.session?.close();
    this.session = undefined;
  }

  private async open(): Promise<void> {
    try {
      this.session = await openWorkerSession(this.graph, this.options);
      this.lastRun = performance.now();
      this.timer = setInterval(() => this.endWhenIdle(), idleMs / 3).unref();
    } catch {
      // The session beside it goes on without.
      this.notBefore = performance.now() + retryMs;
    } finally {
      this.opening = undefined;
    }
  }

  private endWhenIdle(): void {
    const { session } = this;
    if (session === undefined || performance.now() - this.lastRun < idleMs) return;
    clearInterval(this.timer);
    this.session = undefined;
    void session.close();
  }
}

import { VitrinaError } from '../errors.js';
import { copyTensors, type Tensor } from '../tensor.js';
import type { Session, SessionOptions } from './session.js';
import { openWorkerSession } from './worker-session.js';

/** Milliseconds without a run after which the thread ends: it holds a second copy of the graph. */
const idleMs = 30_000;
/** Milliseconds before a thread that could not be started, or that died, is asked for again. */
const retryMs = 10_000;

export interface SideOptions {
  /** Elements of all inputs beyond which a run is never computed on the event loop. */
  readonly most?: number | undefined;
  /** Whether large batches are handed over too, where there is a thread. */
  readonly aside: boolean;
}

/**
 * `session`, which computes on the event loop, with a thread beside it for large inputs: started when one is first asked
 * for, ended when none has come for a while. Both hold the graph. Inputs are copied on their way: unlike those of a
 * session that is a thread altogether, their owner goes on reading them.
 */
export function addSideThread(
  session: Session,
  graph: Uint8Array,
  options: SessionOptions,
  { aside, most }: SideOptions,
): Session {
  const side = new SideThread(graph, options);
  return {
    ...session,
    ...(aside ? { runAside: (inputs) => side.run(inputs) } : {}),
    ...(most === undefined
      ? {}
      : { runLarge: (inputs) => (elementsOf(inputs) > most ? side.runSurely(inputs) : undefined) }),
    async close() {
      await session.close();
      await side.close();
    },
  };
}

type Tensors = Readonly<Record<string, Tensor>>;

function elementsOf(inputs: Tensors): number {
  let elements = 0;
  for (const name in inputs) elements += inputs[name]!.data.length;
  return elements;
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
  run(inputs: Tensors): Promise<Record<string, Tensor>> | undefined {
    const now = performance.now();
    if (this.session === undefined) {
      if (!this.closed && now >= this.notBefore) this.opening ??= this.open();
      return undefined;
    }
    this.lastRun = now;
    return this.session.run(copyTensors(inputs));
  }

  /** Waits for a thread. Errors: those of `Session.run`; `runtime-crashed` where none can be started. */
  async runSurely(inputs: Tensors): Promise<Record<string, Tensor>> {
    if (this.closed) throw new VitrinaError('runtime-closed', {});
    if (this.session === undefined) {
      this.opening ??= this.open();
      await this.opening;
    }
    const running = this.run(inputs);
    if (running === undefined) throw new VitrinaError(this.closed ? 'runtime-closed' : 'runtime-crashed', {});
    return running;
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

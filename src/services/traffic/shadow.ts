import { performance } from 'node:perf_hooks';
import { VitrinaError } from '../../errors.js';
import { copyTensors, type Tensor } from '../../tensor.js';
import { bytesOf } from '../predictions/kept-tensors.js';
import {
  checkGuards,
  checkInputs,
  type Prediction,
  type PredictionRequest,
} from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { compareOutputs } from './compare-outputs.js';
import type { ShadowPolicy } from './policy.js';
import { addComparison, addFailure, type ShadowCounts } from './shadow-figures.js';

/** Copies that wait in one process, and their bytes; what comes beyond is dropped. */
const mostWaiting = 1_000;
const mostBytes = 32 * 2 ** 20;
/** A copy that has not had its turn by then is dropped. */
const patienceMs = 10_000;
/** Copies that are given to a shadow at a time, so that its batcher may join them. */
const atATime = 16;
/** Milliseconds until a busy server is looked at again. */
const pauseMs = 5;
/** Share of the time that the event loop works beyond which copies wait. */
const busyShare = 0.85;

interface Waiting {
  readonly model: string;
  readonly policy: ShadowPolicy;
  readonly counts: ShadowCounts;
  readonly request: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly answering: ReadyVersion;
  readonly bytes: number;
  readonly since: number;
}

/**
 * Computes copies of requests with a shadow version and compares, when the answers are out and nothing more urgent is
 * there to do: copies wait in a bounded queue of their own, leave it only while the event loop has time and the version
 * that answers has nobody waiting, and are dropped and counted otherwise.
 */
export class Shadow {
  private readonly waiting: Waiting[] = [];
  private bytes = 0;
  private working = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * `acquire` gives the shadow version.
   * `share` tells how busy the event loop has been since it was last asked, from 0 to 1.
   */
  constructor(
    private readonly acquire: (model: string, version: string) => ReadyVersion | Promise<ReadyVersion>,
    private readonly share: () => number = eventLoopShare(),
  ) {}

  /** Called before the request computes; gives what is to be done with its prediction. */
  follow(
    { model, inputs, id }: PredictionRequest,
    policy: ShadowPolicy,
    counts: ShadowCounts,
  ): ((prediction: Prediction) => void) | undefined {
    if (this.closed) return undefined;
    const bytes = bytesOf(inputs);
    if (this.waiting.length >= mostWaiting || this.bytes + bytes > mostBytes) {
      counts.dropped++;
      return undefined;
    }
    const copy = copyTensors(inputs);
    return ({ version: answering, outputs }) => {
      const size = bytes + bytesOf(outputs);
      if (this.closed || this.waiting.length >= mostWaiting || this.bytes + size > mostBytes) {
        counts.dropped++;
        return;
      }
      // The caller may do with the outputs what it likes.
      const kept = copyTensors(outputs);
      this.bytes += size;
      const since = performance.now();
      this.waiting.push({
        model,
        policy,
        counts,
        request: id,
        inputs: copy,
        outputs: kept,
        answering,
        bytes: size,
        since,
      });
      this.wake(0);
    };
  }

  /** Copies that wait or are being computed. */
  get pending(): number {
    return this.waiting.length + (this.working ? 1 : 0);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.waiting.length = 0;
  }

  private wake(afterMs: number): void {
    if (this.working || this.timer !== undefined || this.closed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.work();
    }, afterMs);
    this.timer.unref();
  }

  private async work(): Promise<void> {
    this.dropOld();
    const [first] = this.waiting;
    if (first === undefined) return;
    if (this.share() > busyShare || first.answering.batcher.queuedRows > 0) {
      this.wake(pauseMs);
      return;
    }
    this.working = true;
    const some = this.waiting.splice(0, atATime);
    await Promise.all(some.map((copy) => this.compute(copy)));
    for (const { bytes } of some) this.bytes -= bytes;
    this.working = false;
    if (this.waiting.length > 0) this.wake(0);
  }

  private dropOld(): void {
    const oldest = performance.now() - patienceMs;
    while (this.waiting.length > 0 && this.waiting[0]!.since < oldest) {
      const { bytes, counts } = this.waiting.shift()!;
      this.bytes -= bytes;
      counts.dropped++;
    }
  }

  private async compute({ model, policy, counts, request, inputs, outputs, answering }: Waiting): Promise<void> {
    try {
      const version = await this.acquire(model, policy.version);
      const rows = checkInputs(version.signature, inputs);
      const deadline = performance.now() + patienceMs;
      const computed = await version.batcher.submit(inputs, rows, { gone: false, deadline, priority: 'low' });
      const own = checkGuards(version.guards, computed.outputs);
      addComparison(counts, compareOutputs(answering, outputs, own, policy.tolerance), answering.version, request);
    } catch (error) {
      const code = error instanceof VitrinaError ? error.code : 'internal';
      if (code === 'overloaded' || code.startsWith('deadline-')) counts.dropped++;
      else addFailure(counts, code);
    }
  }
}

/** The share of the time since the last call that the event loop has worked. */
function eventLoopShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

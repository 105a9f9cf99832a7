import type { Principal } from '../accounts/principal.js';
import type { Caller } from '../batching/batcher.js';
import type { Priority } from '../batching/priority.js';
import type { Metered, Prediction, PredictionObserver } from './prediction-service.js';

/** What a door knows of the trace that a request belongs to, when it is one of those that are kept. */
export interface CallerTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
}

/**
 * The caller behind a connection, and what was computed for it: how a request, of whatever door, and its predictions
 * find each other, for metrics, logs and traces.
 */
export class ConnectedCaller implements Caller {
  deadline: number | undefined;
  priority: Priority | undefined;
  /** Who it is; `null` where nobody has to say. */
  principal: Principal | null = null;
  /**
   * What its predictions took, for a request of many that is answered as one; settled by whoever answers. `undefined`:
   * each prediction is settled by itself.
   */
  held: Metered[] | undefined;
  /** The last prediction answered, the number of them, and the rows of all. */
  prediction: Prediction | undefined;
  predictions = 0;
  rows = 0;
  /** Whether a prediction was refused or failed, and is counted as such. */
  failed = false;

  constructor(
    private readonly connection: { readonly destroyed: boolean },
    readonly trace: CallerTrace | null = null,
  ) {}

  /** Brings the deadline forward to `at`, on the clock of `performance.now()`. */
  hasten(at: number): void {
    if (this.deadline === undefined || at < this.deadline) this.deadline = at;
  }

  get gone(): boolean {
    return this.connection.destroyed;
  }
}

/** Tells callers what was computed for them. */
export const rememberPredictions: PredictionObserver = {
  answered({ caller }, prediction) {
    if (!(caller instanceof ConnectedCaller)) return;
    caller.prediction = prediction;
    caller.predictions++;
    caller.rows += rowsOf(prediction);
  },
  failed({ caller }) {
    if (caller instanceof ConnectedCaller) caller.failed = true;
  },
};

/** Rows of a prediction; 1 where its outputs have no dimension. */
export function rowsOf({ outputs }: Prediction): number {
  for (const name in outputs) return outputs[name]!.shape[0] ?? 1;
  return 1;
}

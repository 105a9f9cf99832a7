import { openInlineSession } from './inline-session.js';
import { openProcessSession } from './process-session.js';
import type { Placement, Session, SessionOptions } from './session.js';
import { openWorkerSession } from './worker-session.js';

export { openProcessSession, type ProcessSession } from './process-session.js';
export type { Placement, Session, SessionOptions } from './session.js';
export { addSideThread } from './side-thread.js';
export {
  chooseBatchRows,
  choosePlacement,
  isBatchable,
  isWorthThread,
  mostElements,
  type TimedSize,
  type Timing,
  timeSession,
  zeroInputs,
} from './timing.js';

const openers = { inline: openInlineSession, worker: openWorkerSession, process: openProcessSession };

/** Loads a serialised ONNX graph. Errors: `runtime-refused-graph`. */
export function openSession(graph: Uint8Array, placement: Placement, options: SessionOptions = {}): Promise<Session> {
  return openers[placement](graph, options);
}

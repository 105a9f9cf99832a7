import { openInlineSession } from './inline-session.js';
import type { Placement, Session, SessionOptions } from './session.js';
import { openWorkerSession } from './worker-session.js';

export type { Placement, Session, SessionOptions } from './session.js';
export { addSideThread } from './side-thread.js';
export {
  chooseBatchRows,
  choosePlacement,
  isBatchable,
  isWorthThread,
  type TimedSize,
  type Timing,
  timeSession,
  zeroInputs,
} from './timing.js';

/** Loads a serialised ONNX graph. Errors: `runtime-refused-graph`. */
export function openSession(graph: Uint8Array, placement: Placement, options: SessionOptions = {}): Promise<Session> {
  return placement === 'inline' ? openInlineSession(graph, options) : openWorkerSession(graph, options);
}

import { VitrinaError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { openOnnx } from './onnx.js';
import type { Session, SessionOptions } from './session.js';

/** A session on the event loop: no hand-over, so the fastest place for graphs that take well under a millisecond. */
export async function openInlineSession(graph: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const onnx = await openOnnx(graph, options).catch((cause: unknown) => {
    throw new VitrinaError('runtime-refused-graph', { reason: reasonOf(cause) }, { cause });
  });
  let closed = false;
  const runNow = (inputs: Readonly<Record<string, Tensor>>) => {
    if (closed) throw new VitrinaError('runtime-closed', {});
    try {
      return onnx.run(inputs);
    } catch (cause) {
      throw new VitrinaError('runtime-rejected', { reason: reasonOf(cause) }, { cause });
    }
  };
  return {
    placement: 'inline',
    runNow,
    async run(inputs) {
      return runNow(inputs);
    },
    async close() {
      if (closed) return;
      closed = true;
      onnx.release();
    },
  };
}

/** ONNX Runtime's own words, shortened to the sentence that names the fault. */
export function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.split('\n')[0]!.slice(0, 300);
}

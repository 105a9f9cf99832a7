import { ConnectedCaller } from '../services/connected-caller.js';
import { readInferRequest } from '../services/open-inference/read-request.js';
import type { PredictionService } from '../services/prediction-service.js';
import type { CallContext } from './call-context.js';
import { decodeInferRequest, type InferMessage } from './infer-request.js';
import { encodeInferResponse } from './infer-response.js';
import { messageElements } from './message-elements.js';
import { WireReader } from './wire.js';

/** A call, as far as a prediction needs to know it. */
export interface InferCall {
  readonly cancelled: boolean;
  getDeadline(): Date | number;
}

/** Decodes `inference.ModelInferRequest`. Errors: `request-malformed`. */
export const decodeInfer = (bytes: Buffer): InferMessage => decodeInferRequest(new WireReader(bytes));

/**
 * `inference.ModelInferResponse` to a request. Errors: `request-malformed`, `request-invalid`, and those of
 * `PredictionService`.
 */
export async function infer(
  predictions: PredictionService,
  message: InferMessage,
  call: InferCall,
  context: CallContext,
): Promise<Buffer> {
  const { model_name: model, model_version: named } = message;
  const pinned = named === '' ? {} : { version: named };
  const selected = predictions.select(model, pinned.version, context.headers);
  const ready = selected instanceof Promise ? await selected : selected;
  const request = readInferRequest(ready.signature, message, messageElements(message));
  const caller = callerOf(call, request.timeoutMs);
  const { inputs } = request;
  const { requestId: id } = context;
  const prediction = await predictions.predict({ model, ready, inputs, caller, id, ...pinned });
  const { binary_data_output: wanted, triton_enable_empty_final_response: final } = message.parameters;
  const raw = typeof wanted === 'boolean' ? wanted : message.inputs.every(({ contents }) => contents === undefined);
  return encodeInferResponse(request, prediction, { raw, final: final === true });
}

/** Who waits for a call: until the deadline of the call, or of the request, whichever is first. */
function callerOf(call: InferCall, timeoutMs: number | undefined): ConnectedCaller {
  const caller = new ConnectedCaller({
    get destroyed() {
      return call.cancelled;
    },
  });
  const due = Number(call.getDeadline()) - Date.now();
  const left = Math.min(due, timeoutMs ?? Number.POSITIVE_INFINITY);
  if (Number.isFinite(left)) caller.deadline = performance.now() + left;
  return caller;
}

import { readInferRequest } from '../services/open-inference/read-request.js';
import { ConnectedCaller } from '../services/predictions/connected-caller.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import type { CallContext } from './call-context.js';
import { decodeInferRequest, type InferMessage } from './infer-request.js';
import { encodeInferResponse } from './infer-response.js';
import { messageElements } from './message-elements.js';
import { toVitrinaError } from './status.js';
import { WireReader } from './wire.js';

/** A call, as far as a prediction needs to know it. */
export interface InferCall {
  readonly cancelled: boolean;
  getDeadline(): Date | number;
}

/** Decodes `inference.ModelInferRequest`. Errors: `request-malformed`. */
export const decodeInfer = (bytes: Buffer): InferMessage => decodeInferRequest(new WireReader(bytes));

/** What all predictions of the door have in common. */
export interface InferDoor {
  readonly predictions: PredictionService;
  /** Milliseconds that a request gets which names no time; 0: as long as it takes. */
  readonly defaultTimeoutMs: number;
}

/**
 * `inference.ModelInferResponse` to a request.
 * Errors: `request-malformed`, `request-invalid`, and those of `PredictionService`.
 */
export async function infer(
  door: InferDoor,
  message: InferMessage,
  call: InferCall,
  context: CallContext,
): Promise<Buffer> {
  const { startedAt } = context.call;
  const { model_name: model, model_version: named } = message;
  const pinned = named === '' ? {} : { version: named };
  const caller = callerOf(door, call, context);
  context.caller = caller;
  try {
    const refusal = door.predictions.refusal(model, pinned.version, caller, context.headers);
    if (refusal !== undefined) throw refusal;
    const selected = door.predictions.select(model, pinned.version, context.headers, caller);
    const ready = selected instanceof Promise ? await selected : selected;
    const request = readInferRequest(ready.signature, message, messageElements(message));
    if (request.timeoutMs !== undefined) caller.hasten(startedAt + request.timeoutMs);
    const { inputs } = request;
    const { requestId: id } = context.call;
    const prediction = await door.predictions.predict({ model, ready, inputs, caller, id, ...pinned });
    const { binary_data_output: wanted, triton_enable_empty_final_response: final } = message.parameters;
    const raw = typeof wanted === 'boolean' ? wanted : message.inputs.every(({ contents }) => contents === undefined);
    const response = encodeInferResponse(request, prediction, { raw, final: final === true });
    context.watch.delivered(caller, startedAt);
    return response;
  } catch (error) {
    context.watch.refused(model, toVitrinaError(error), caller);
    throw error;
  }
}

/** Who waits for a request: until the deadline of the call, as urgently as the key says. */
function callerOf(
  { defaultTimeoutMs }: InferDoor,
  call: InferCall,
  { principal, call: { startedAt, trace } }: CallContext,
): ConnectedCaller {
  const connection = {
    get destroyed() {
      return call.cancelled;
    },
  };
  const caller = new ConnectedCaller(connection, trace);
  caller.priority = principal?.priority;
  caller.principal = principal;
  const due = Number(call.getDeadline());
  if (Number.isFinite(due)) caller.hasten(performance.now() + due - Date.now());
  else if (defaultTimeoutMs > 0) caller.hasten(startedAt + defaultTimeoutMs);
  return caller;
}

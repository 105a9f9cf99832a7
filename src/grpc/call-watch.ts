import type { VitrinaError } from '../errors.js';
import type { Telemetry } from '../plugins/telemetry.js';
import type { Principal } from '../services/accounts/index.js';
import type { RouteMetrics } from '../services/metrics/metrics.js';
import type { ConnectedCaller } from '../services/predictions/connected-caller.js';
import type { RequestTrace } from '../services/tracing/tracing.js';

/** A call, or a request of a stream, from its beginning to its answer. */
export interface WatchedCall {
  readonly path: string;
  readonly requestId: string;
  /** `performance.now()` when its metadata, or its message, had been read. */
  readonly startedAt: number;
  readonly trace: RequestTrace | null;
}

/** How it was answered. */
export interface Outcome {
  readonly failure: VitrinaError | undefined;
  readonly principal: Principal | null;
  /** Whoever waited for its prediction, where it had one. */
  readonly caller: ConnectedCaller | undefined;
}

/** Counts, traces and logs calls as the HTTP door does its requests; predictions are counted where they are made. */
export class CallWatch {
  private readonly routes = new Map<string, RouteMetrics>();

  /** @param paths those that there are: what is counted has one of these labels, whatever callers send. */
  constructor(
    paths: Iterable<string>,
    private readonly telemetry: Telemetry,
  ) {
    const { metrics } = telemetry;
    if (metrics !== undefined) for (const path of paths) this.routes.set(path, metrics.route('gRPC', path));
  }

  begin(path: string, headers: Readonly<Record<string, unknown>>, requestId: string): WatchedCall {
    const startedAt = performance.now();
    const { tracing } = this.telemetry;
    if (tracing === undefined) return { path, requestId, startedAt, trace: null };
    const { traceparent, tracestate } = headers;
    const attributes = { 'rpc.system': 'grpc', 'rpc.method': path.slice(1), 'vitrina.request_id': requestId };
    const trace = tracing.begin(traceparent, () => ({ name: path.slice(1), startedAt, tracestate, attributes }));
    return { path, requestId, startedAt, trace };
  }

  /** The status of the call is on its way. */
  end(call: WatchedCall, outcome: Outcome): void {
    const { metrics, tracing } = this.telemetry;
    const { path, startedAt, trace } = call;
    const { failure, caller = null } = outcome;
    const at = performance.now();
    this.routes.get(path)?.answered(failure?.status ?? 200, at - startedAt);
    if (failure !== undefined) metrics?.error(failure.code);
    if (trace !== null) {
      const attributes = { 'rpc.response.status': failure?.code ?? 'ok' };
      tracing?.end(trace, { at, attributes, ...(failure === undefined ? {} : { failure }), caller });
    }
    this.log(call, outcome);
  }

  /** A line about a call, or about a request of a stream, where one is wanted. */
  log({ path, requestId: id, startedAt, trace }: WatchedCall, { failure, principal, caller }: Outcome): void {
    const { requestLog } = this.telemetry;
    const status = failure?.status ?? 200;
    if (!requestLog.wants(status)) return;
    const ms = performance.now() - startedAt;
    const who = { principal, caller: caller ?? null, traceId: trace?.traceId };
    requestLog.write({ id, method: 'gRPC', route: path, status, ms, ...who, failure: failure ?? null });
  }

  /** A prediction was answered, in the time since `startedAt`. */
  delivered(caller: ConnectedCaller, startedAt: number): void {
    this.telemetry.metrics?.delivered(caller, startedAt, performance.now());
  }

  /** A request for `model` was refused; what reached its prediction has been counted there. */
  refused(model: string, failure: VitrinaError, caller: ConnectedCaller): void {
    if (!caller.failed) this.telemetry.metrics?.refused(model, failure.code);
  }
}

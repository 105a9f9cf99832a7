import type { FastifyBaseLogger } from 'fastify';
import type { RequestLogMode } from '../../config.js';
import type { VitrinaError } from '../../errors.js';
import type { Principal } from '../accounts/index.js';
import type { ConnectedCaller } from '../predictions/connected-caller.js';

/** What is logged of a request, of whichever door: never a body, a query, a header or a credential. */
export interface AnsweredRequest {
  readonly id: string;
  readonly method: string;
  /** The pattern of the route, or the path of the gRPC method; none where nothing matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly principal: Principal | null;
  readonly caller: ConnectedCaller | null;
  readonly traceId: string | undefined;
  readonly failure: VitrinaError | null;
}

/** What a server under load answers by design: no fault, though its status is above 500. */
const foreseen: ReadonlySet<string> = new Set([
  'overloaded',
  'server-busy',
  'deadline-unmeetable',
  'deadline-exceeded',
  'login-busy',
]);

/** Lines a second about errors, and at once: a server in trouble must not fill the disk as well. */
const errorsPerSecond = 20;

/** One line a request at most, in JSON, in which no text of a caller can begin another. */
export class RequestLog {
  private readonly log: FastifyBaseLogger;
  private credit = errorsPerSecond;
  private creditedAt = performance.now();
  private suppressed = 0;

  constructor(
    log: FastifyBaseLogger,
    private readonly mode: RequestLogMode,
  ) {
    // Who asks for a line a request wants it, whatever level the rest is logged at.
    this.log = mode === 'all' && log.level !== 'silent' ? log.child({}, { level: 'info' }) : log;
  }

  /** Whether a request with this status may be worth a line: asked first, since most are not. */
  wants(status: number): boolean {
    return status >= 500 || this.mode === 'all';
  }

  write(request: AnsweredRequest): void {
    const { status, failure } = request;
    if (status < 500) {
      // Not the error's text: it quotes what the caller sent.
      this.log.info(fieldsOf(request), 'answered');
      return;
    }
    const fault = failure !== null && !foreseen.has(failure.code);
    if (!this.isWorthIt(failure, fault)) return;
    const fields = { ...fieldsOf(request), ...(this.suppressed > 0 ? { suppressed: this.suppressed } : {}) };
    this.suppressed = 0;
    if (fault) this.log.error({ ...fields, err: failure.cause ?? failure }, failure.message);
    else this.log.warn(fields, failure?.message ?? 'answered');
  }

  /** A route may say 503 without an error, as `/readyz` does: an answer like any other. */
  private isWorthIt(failure: VitrinaError | null, fault: boolean): boolean {
    if (this.mode === 'all') return true;
    return failure !== null && (fault || this.mode === 'errors') && this.spend();
  }

  private spend(): boolean {
    const now = performance.now();
    this.credit = Math.min(errorsPerSecond, this.credit + ((now - this.creditedAt) / 1000) * errorsPerSecond);
    this.creditedAt = now;
    if (this.credit < 1) {
      this.suppressed++;
      return false;
    }
    this.credit--;
    return true;
  }
}

function fieldsOf({ caller, principal, failure, ...request }: AnsweredRequest) {
  const { id: reqId, method, route, status, ms, bytesIn, bytesOut, traceId } = request;
  return {
    reqId,
    method,
    route,
    status,
    ms: Number(ms.toFixed(3)),
    code: failure?.code,
    ...(caller?.prediction === undefined ? {} : fieldsOfPrediction(caller)),
    user: principal?.userId,
    keyId: principal?.keyId ?? undefined,
    bytesIn,
    bytesOut,
    traceId,
  };
}

function fieldsOfPrediction({ prediction, predictions, rows }: ConnectedCaller) {
  const { version, report } = prediction!;
  return {
    model: version.model,
    version: version.version,
    rows,
    batchRows: report.batchRows,
    waitMs: Number(report.waitMs.toFixed(3)),
    runMs: Number(report.runMs.toFixed(3)),
    ...(predictions > 1 ? { predictions } : {}),
  };
}

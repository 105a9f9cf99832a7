import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { VitrinaError } from '../errors.js';
import type { Priority } from '../services/batching/priority.js';
import { type Held, Turnstile } from '../services/batching/turnstile.js';
import { callerOf } from '../services/platform.js';
import type { ConnectedCaller } from '../services/predictions/connected-caller.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the answer says how its batch came about. */
    explained: boolean;
  }
}

interface Options {
  readonly predictions: PredictionService;
  /** Milliseconds that a request gets which names no time; 0: as long as it takes. */
  readonly defaultTimeoutMs: number;
}

/** The path parameters of routes that predict: the platform's own, and those of the Open Inference Protocol. */
interface Target {
  readonly name?: string;
  readonly model?: string;
  readonly version?: string;
}

/**
 * Decides on requests with a body before the body is read: what the event loop cannot take in its turn waits, what
 * cannot be answered in time, or has no place in its model's queue, is refused. Only who may call comes this far.
 * Errors: `header-invalid`, `overloaded`, `deadline-unmeetable`, `deadline-exceeded`.
 */
async function admission(app: FastifyInstance, { predictions, defaultTimeoutMs }: Options): Promise<void> {
  const turnstile = new Turnstile();
  app.server.on('connection', () => turnstile.connected());
  app.decorateRequest('explained', false);

  app.addHook('onRequest', (request, _reply, done) => {
    if (request.trace !== null) request.readingAt = performance.now();
    if (request.method !== 'POST') return done();
    let refused: VitrinaError | undefined;
    try {
      const caller = callerOf(request) as ConnectedCaller;
      if (defaultTimeoutMs > 0) caller.deadline ??= request.startedAt + defaultTimeoutMs;
      request.explained = wantsExplanation(
        request.headers['x-explain'] ?? (request.query as { explain?: unknown }).explain,
      );
      if (!turnstile.pass()) {
        hold(turnstile, request, caller, (error) => {
          request.readingAt = performance.now();
          done(error ?? refusalOf(predictions, request, caller));
        });
        return;
      }
      refused = refusalOf(predictions, request, caller);
    } catch (error) {
      refused = error as VitrinaError;
    }
    done(refused);
  });

  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.explained && request.caller !== null) reply.headers(explanationOf(request.caller));
    done();
  });
}

function refusalOf(
  predictions: PredictionService,
  request: FastifyRequest,
  caller: ConnectedCaller,
): VitrinaError | undefined {
  if (request.route.config.scopes?.includes('predict') !== true) return undefined;
  const { name, model, version } = request.params as Target;
  const target = name ?? model;
  return target === undefined ? undefined : predictions.refusal(target, version, caller, request.headers);
}

function hold(
  turnstile: Turnstile,
  request: FastifyRequest,
  caller: ConnectedCaller,
  done: (error?: VitrinaError) => void,
): void {
  const priority: Priority = caller.priority ?? 'normal';
  const arrived = request.startedAt;
  const waitMs = Math.ceil(turnstile.expectedWaitMs(priority));
  const retry = { headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) } };
  const overloaded = () => new VitrinaError('server-busy', { waiting: turnstile.length, waitMs }, retry);
  // Half as long again: what has been let in must still be computed.
  if (caller.deadline !== undefined && arrived + 1.5 * waitMs > caller.deadline) {
    turnstile.refuse(() => done(overloaded()));
    return;
  }
  const held: Held = {
    arrived,
    priority,
    rows: 1,
    unwanted: (at) => caller.gone || (caller.deadline !== undefined && caller.deadline <= at),
    enter: () => done(),
    turnAway: () => {
      const waitedMs = Math.round(performance.now() - arrived);
      if (caller.gone) done(new VitrinaError('request-abandoned', {}));
      else if (held.unwanted(performance.now())) done(new VitrinaError('deadline-exceeded', { waitedMs }));
      else done(overloaded());
    },
  };
  if (!turnstile.hold(held)) turnstile.refuse(() => done(overloaded()));
}

/** @throws VitrinaError `header-invalid` */
export function wantsExplanation(asked: unknown): boolean {
  if (asked === undefined) return false;
  if (asked === 'batch') return true;
  throw new VitrinaError('header-invalid', {
    header: 'X-Explain (or the parameter explain)',
    value: String(asked).slice(0, 40),
    expected: 'batch',
  });
}

/**
 * How the batch of the (last) prediction came about, in headers, whatever form the answer has. `Server-Timing` is
 * that of the W3C, which browsers' tools show: https://www.w3.org/TR/server-timing/
 */
export function explanationOf({ prediction, deadline, priority = 'normal' }: ConnectedCaller): Record<string, string> {
  if (prediction === undefined) return {};
  const { waitMs, runMs, batchRows, closedBy } = prediction.report;
  const left = deadline === undefined ? '' : `; left=${Math.round(deadline - performance.now())}`;
  const batch = `rows=${batchRows}; closed=${closedBy}; placement=${prediction.version.placement}`;
  return {
    'server-timing': `queue;dur=${waitMs.toFixed(3)}, run;dur=${runMs.toFixed(3)}`,
    'x-batch': `${batch}; priority=${priority}${left}`,
  };
}

export default fp(admission, { name: 'admission', dependencies: ['auth', 'request-context'] });

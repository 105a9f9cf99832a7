import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { VitrinaError } from '../errors.js';
import type { DatabaseOptions, Storage } from '../storage/index.js';
import type { Accounts } from './accounts/index.js';
import type { JobDefinition, JobDesk, JobQueue } from './jobs/index.js';
import { type CallerTrace, ConnectedCaller } from './predictions/connected-caller.js';
import type { Prediction, PredictionRequest } from './predictions/prediction-service.js';
import type { ChangeChecks, ModelRepository } from './repository/model-repository.js';
import type { OwnModel } from './repository/own-model.js';
import type { ReadyVersion } from './repository/ready-version.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who waits for the predictions of this request; `null` until there is one. */
    caller: ConnectedCaller | null;
    /** The trace that the request belongs to, when it is one of those that are kept. */
    trace: CallerTrace | null;
  }
}

/** What the platform hands to an app. */
export interface Platform {
  /** The models being served: `models.get(name)` gives the version that answers now, and follows reloads. */
  readonly models: ModelRepository;
  /** Computes: checks the inputs against the signature, batches them with those of other requests, and answers. */
  predict(request: PredictionRequest): Promise<Prediction>;
  /**
   * Makes the artefact that `upload` brings, of at most `maxBytes`, the app's model: converted beside the version that
   * answers, then put in its place in one step. What cannot be served is refused, and the old version goes on.
   */
  replaceModel(upload: AsyncIterable<Uint8Array>, maxBytes: number, checks?: ChangeChecks): Promise<ReadyVersion>;
  /**
   * Serves a model that the app makes itself, of training data for instance, as the app's model; it is kept in the data
   * folder, and made anew where its digest is another. Tells whether this call has made it.
   */
  serveOwnModel(own: OwnModel): Promise<boolean>;
  /** Takes the app's model out of service, until it is replaced. */
  withdrawModel(checks?: ChangeChecks): Promise<void>;
  readonly accounts: Accounts;
  /** The database. An app's tables are among the migrations. */
  readonly storage: Storage;
  /** How a thread of the app's own opens the same database once more. */
  readonly database: DatabaseOptions;
  /** Where work is asked for that outlives its request; `App.work` does it. */
  readonly jobs: Pick<JobQueue, 'enqueue' | 'enqueueIn'>;
  /** Looks at jobs, and changes their course. */
  readonly jobDesk: JobDesk;
  /** Folder that the app may write to. */
  readonly dataFolder: string;
  readonly log: FastifyBaseLogger;
  /** This app's part of the configuration (`apps.<name>` in `vitrina.yaml`), not validated. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * The name of the repository's model that the app uses: the app's own, unless its setting `model` names another. An
   * app that is served alone takes the only model there is, whatever its name.
   */
  readonly modelName: string;
  /** Whether the app is served alone, at `/`. */
  readonly alone: boolean;
  /** Whether an app that is made for strangers may let them register: unless `open-registration` says no. */
  readonly openRegistration: boolean;
}

/** What the platform hands to the part of an app that does jobs: in a thread of the server, or in `vitrina work`. */
export interface WorkPlatform
  extends Pick<
    Platform,
    'models' | 'predict' | 'storage' | 'dataFolder' | 'log' | 'settings' | 'modelName' | 'alone' | 'jobs'
  > {
  /** Does `close` when the worker has stopped. */
  onStop(close: () => Promise<void>): void;
}

/** A Fastify plugin on the platform: mounted under `/<name>`, or at `/` when it is the only one. */
export interface App {
  /** Prefix, and name of the model that the app uses. */
  readonly name: string;
  readonly title: string;
  /** The title where the app is served alone, by its settings. */
  titleFrom?(settings: Readonly<Record<string, unknown>>): string;
  readonly description: string;
  /**
   * Adds the app's routes to `scope`, relative to its prefix. Routes need a key or a token unless they say
   * `config: { public: true }`. Called once the models have been loaded.
   */
  register(scope: FastifyInstance, platform: Platform): void | Promise<void>;
  /**
   * Adds hooks that see every request which the app's clients send: those under its prefix, or, when it is served alone,
   * those for the documentation and for routes that do not exist as well.
   */
  observe?(scope: FastifyInstance, platform: Platform): void | Promise<void>;
  /** The jobs that the app does, for every process that does jobs. Called once in each, before any of them runs. */
  work?(platform: WorkPlatform): readonly JobDefinition[] | Promise<readonly JobDefinition[]>;
  /**
   * The value of `detail` in an error's answer; the catalogue's text (or, for `request-invalid`, FastAPI's list of
   * `{loc, msg, type}`) when it gives none.
   */
  renderDetail?(error: VitrinaError): unknown;
}

/** Checks nothing at run time; it gives the compiler the chance to check an app where it is written. */
export function defineApp(app: App): App {
  return app;
}

/**
 * The caller of a request, for `predict`: gone when the connection is, as urgent as the key says, and patient for as
 * many milliseconds as `X-Timeout-Ms` says. Errors: `header-invalid`.
 */
export function callerOf(request: FastifyRequest): ConnectedCaller {
  if (request.caller === null) {
    const caller = new ConnectedCaller(request.raw.socket, request.trace);
    const timeout = request.headers['x-timeout-ms'];
    if (timeout !== undefined) caller.deadline = request.startedAt + readTimeout(timeout);
    caller.priority = request.principal?.priority;
    caller.principal = request.principal;
    request.caller = caller;
  }
  return request.caller;
}

/**
 * Has `answer` send a reply when there is a prediction; what it throws, or what the prediction failed with, is sent in its
 * place. For handlers that are no `async` functions: their promises, and the steps that these take through Fastify, cost
 * more than a small model does.
 */
export function answerWith(
  reply: FastifyReply,
  predicting: Promise<Prediction>,
  answer: (prediction: Prediction) => void,
): void {
  const fail = (error: unknown) => void reply.send(error);
  predicting.then((prediction) => {
    try {
      answer(prediction);
    } catch (error) {
      fail(error);
    }
  }, fail);
}

/** A day is longer than any connection lasts. */
const longestTimeoutMs = 86_400_000;

function readTimeout(header: string | readonly string[]): number {
  const ms = typeof header === 'string' && /^\d{1,8}$/.test(header) ? Number(header) : 0;
  if (ms >= 1 && ms <= longestTimeoutMs) return ms;
  throw new VitrinaError('header-invalid', {
    header: 'X-Timeout-Ms',
    value: String(header).slice(0, 40),
    expected: `a whole number of milliseconds from 1 to ${longestTimeoutMs}`,
  });
}

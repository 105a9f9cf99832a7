import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerWith, type Caller, callerOf, defineApp, type Platform, textTypes, VitrinaError } from '../../index.js';
import { openAccessLog } from './access-log.js';
import { composeAnswer } from './answer.js';
import { authRoutes } from './auth-routes.js';
import { type PatientRequest, parseBody } from './body.js';
import { BodyRefused } from './refusal.js';
import { predictBody, predictResponses } from './schemas.js';
import { limitsOf, readSettings, type ShockSettings } from './settings.js';
import { describeModel, type WardModel } from './ward-model.js';
import { buildWindows } from './window.js';

/**
 * Haemodynamic state of intensive care patients: an LSTM tells which of four states each is heading to.
 *
 * The body of `/predict` becomes windows (`body.ts`, `window.ts`), the platform computes, `answer.ts` puts the answer
 * together. Errors keep the words of the system that this app replaces.
 */
export default defineApp({
  name: 'shock',
  title: 'shock: haemodynamic state of ICU patients',
  description: 'Posts the recent records of one patient or a ward, answers with the probabilities of four states.',
  observe(scope, platform) {
    const settings = readSettings(platform.settings);
    logRequests(scope, platform, settings, followModel(platform, settings));
  },
  register(scope, platform) {
    const settings = readSettings(platform.settings);
    const currentModel = followModel(platform, settings);

    scope.get('/', { schema: { summary: 'Who is calling' } }, (request) => ({
      User: { username: request.principal?.username, id: request.principal?.userId },
    }));

    scope.get(
      '/home',
      { config: { public: true }, schema: { summary: 'Health, and the version of the model' } },
      () => {
        const { ready, plan } = currentModel();
        const scaler = plan.scaler === 'request' ? { scaler: 'request' } : {};
        return { health_check: 'OK', model_version: ready.version, ...scaler };
      },
    );

    const limits = limitsOf(settings);
    scope.post(
      '/predict',
      {
        config: { scopes: ['predict'], columns: true },
        schema: { summary: 'States of one patient, or of many', body: predictBody, response: predictResponses },
        // The schema is for people; bodies are checked by hand, and answers are made here.
        validatorCompiler: () => () => true,
      },
      (request, reply) => {
        const patients = refuseAsInvalid(() => parseBody(request.body, limits));
        predict(platform, currentModel, patients, callerOf(request), reply);
      },
    );

    authRoutes(scope, platform, settings);
  },
  renderDetail,
});

/** The model that answers now, described once a reload. Errors: those of `models.get` and of `describeModel`. */
function followModel(platform: Platform, settings: ShockSettings): () => WardModel {
  let current: WardModel | undefined;
  return () => {
    const ready = platform.models.get(platform.modelName);
    if (current?.ready !== ready) {
      current = describeModel(ready, settings);
      if (current.plan.scaler === 'request') platform.log.warn(requestScalerNote(current));
    }
    return current;
  };
}

const requestScalerNote = ({ ready }: WardModel) =>
  `Model "${ready.model}" version ${ready.version} has no scaler.joblib beside it: values are scaled by a StandardScaler fitted on each request, so an answer depends on who else is in the request.`;

function predict(
  platform: Platform,
  currentModel: () => WardModel,
  patients: PatientRequest,
  caller: Caller,
  reply: FastifyReply,
): void {
  const ask = (attempt: number) => {
    const { plan, input, output, labels, ready } = currentModel();
    const windows = buildWindows(patients, plan);
    if (windows.count === 0) refuseAsInvalid(() => composeAnswer(patients, windows, [], labels));
    const shape = [windows.count, plan.rows, plan.signals.length];
    const inputs = { [input]: { dtype: 'float32', shape, data: windows.data } } as const;
    const predicting = platform.predict({ model: platform.modelName, ready, inputs, caller });
    answerWith(reply, predicting, ({ version, outputs }) => {
      // A reload in between may have brought another scaler: the windows must be those of the model that answered.
      if (version !== ready && attempt < 3) ask(attempt + 1);
      else {
        const probabilities = outputs[output]!.data as Float32Array;
        const answer = refuseAsInvalid(() => composeAnswer(patients, windows, probabilities, labels));
        reply.type(textTypes.json).send(JSON.stringify(answer));
      }
    });
  };
  ask(0);
}

/** The app's own refusals travel as the platform's `request-invalid`; `renderDetail` finds them again. */
function refuseAsInvalid<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof BodyRefused)) throw error;
    const problems = error.problems.map(({ loc, msg }) => ({ path: loc.slice(1).join('.'), message: msg }));
    throw new VitrinaError('request-invalid', { problems }, { cause: error });
  }
}

function logRequests(
  scope: FastifyInstance,
  platform: Platform,
  settings: ShockSettings,
  currentModel: () => WardModel,
): void {
  const log = openAccessLog({
    folder: platform.dataFolder,
    maxBytes: settings['log-bytes'],
    keep: settings['log-files'],
    stdout: settings['log-stdout'] ? 1 : null,
    onError: (error) =>
      platform.log.error({ err: error }, 'app.log cannot be written; requests are answered all the same'),
  });
  // A server that cannot listen has not started, and says only why.
  scope.addHook('onListen', async () => {
    log.note('Starting FCV-MLAPI....');
    try {
      const model = currentModel();
      if (model.plan.scaler === 'request') log.note(requestScalerNote(model));
    } catch (error) {
      // Without a model the app starts all the same, and says so to whoever asks.
      if (!(error instanceof VitrinaError)) throw error;
      platform.log.warn(error.message);
    }
  });
  scope.addHook('onSend', (request: FastifyRequest, _reply, _payload, done) => {
    log.request(request.url, request.method, (performance.now() - request.startedAt) / 1000);
    done();
  });
  scope.addHook('onClose', () => log.close());
}

/** The words that clients of the original know; everything else is said as the platform says it. */
function renderDetail(error: VitrinaError): unknown {
  if (error.cause instanceof BodyRefused) return error.cause.problems;
  switch (error.code) {
    case 'unauthenticated':
      return 'Authentication Failed.';
    case 'token-invalid':
      return 'why' in error.fields && error.fields.why === 'foreign'
        ? 'Authentication Failed.'
        : 'Could not validate user.';
    case 'login-failed':
      return 'Could not validate user.';
    case 'username-invalid':
      return [{ loc: ['body', 'username'], msg: error.message, type: 'value_error' }];
    case 'password-invalid':
      return [{ loc: ['body', 'password'], msg: error.message, type: 'value_error' }];
    default:
      return undefined;
  }
}

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, VitrinaError } from '../errors.js';

/** How an error of the catalogue becomes a body: one catalogue, several dialects. */
export interface ErrorDialect {
  readonly contentType: string;
  render(error: VitrinaError, request: FastifyRequest): unknown;
}

/** RFC 9457: the platform's own dialect. */
export const problemDialect: ErrorDialect = {
  contentType: 'application/problem+json',
  render: (error, request) => ({
    type: `urn:vitrina:error:${error.code}`,
    title: error.code.replaceAll('-', ' '),
    status: error.status,
    detail: error.message,
    code: error.code,
    instance: request.id,
    ...('problems' in error.fields ? { problems: error.fields.problems } : {}),
  }),
};

/** FastAPI's convention, which the clients of the bundled apps know; `words` may put a detail in the app's own way. */
export function detailDialect(words: (error: VitrinaError) => unknown = () => undefined): ErrorDialect {
  return {
    contentType: 'application/json',
    render: (error) => ({
      detail:
        words(error) ??
        ('problems' in error.fields
          ? (error.fields.problems as readonly Problem[]).map(fastApiProblem)
          : error.code === 'route-not-found'
            ? 'Not Found'
            : error.message),
    }),
  };
}

function fastApiProblem({ path, message }: Problem): { loc: (string | number)[]; msg: string; type: string } {
  const steps = path === 'body' ? [] : (path.match(/\["(?:[^"\\]|\\.)*"\]|[^.[\]]+/g) ?? []);
  const loc = ['body', ...steps.map(readStep)];
  return { loc, msg: message, type: message === 'is missing' ? 'missing' : 'value_error' };
}

/** An index, a name, or `["…"]`, a name with dots or brackets in it. */
function readStep(step: string): string | number {
  if (/^\d+$/.test(step)) return Number(step);
  if (!step.startsWith('["')) return step;
  try {
    return JSON.parse(step.slice(1, -1)) as string;
  } catch {
    return step;
  }
}

/** Answers errors and unknown routes of `scope` in `dialect`. */
export function speak(scope: FastifyInstance, dialect: ErrorDialect): void {
  scope.setErrorHandler((error: FastifyError, request, reply) => {
    // Fastify closes where a body was refused. A proxy that is still sending one then sees a broken connection in place of
    // the refusal; Node throws away what comes, for as long as `slow-body` allows. A server that stops says that it closes.
    if (reply.raw.shouldKeepAlive && reply.hasHeader('connection')) reply.removeHeader('connection');
    return send(reply, request, toVitrinaError(error, request), dialect);
  });
  scope.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!.slice(0, 200);
    // Nothing is watched where an app is built without telemetry, for its documentation say.
    request.server.telemetry?.metrics?.missed(performance.now() - request.startedAt);
    return send(reply, request, new VitrinaError('route-not-found', { method: request.method, path }), dialect);
  });
}

function send(reply: FastifyReply, request: FastifyRequest, error: VitrinaError, dialect: ErrorDialect): FastifyReply {
  request.failure = error;
  if (error.headers !== undefined) reply.headers(error.headers);
  return reply.status(error.status).type(dialect.contentType).send(dialect.render(error, request));
}

/** Fastify's own errors, in the words of the catalogue. What nobody foresaw becomes `internal`, with the cause kept for the log. */
export function toVitrinaError(error: FastifyError | VitrinaError, request: FastifyRequest): VitrinaError {
  if (error instanceof VitrinaError) return error;
  if (error.validation !== undefined) {
    const context = error.validationContext === 'body' ? '' : `${error.validationContext ?? ''}.`;
    const problems = error.validation.map((fault) => {
      const missing = (fault.params as { missingProperty?: string }).missingProperty;
      const extra = (fault.params as { additionalProperty?: string }).additionalProperty;
      const own = pathOf(fault.instancePath, missing ?? extra);
      const message =
        missing !== undefined ? 'is missing' : extra !== undefined ? 'is unknown' : (fault.message ?? 'is invalid');
      return { path: `${context}${own}`, message };
    });
    return new VitrinaError('request-invalid', { problems });
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new VitrinaError('body-too-large', { limit: request.route.bodyLimit ?? 0 });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY': {
      const type = request.headers['content-type'] ?? '';
      return new VitrinaError('body-media-type', { type: type.slice(0, 100), expected: 'application/json' });
    }
    default:
      if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
        return new VitrinaError('request-malformed', { problem: error.message.replace(/\.$/, '') });
      }
      return new VitrinaError('internal', {}, { cause: error });
  }
}

/** A JSON pointer as a path: `/inputs/x/0` becomes `inputs.x[0]`. */
function pathOf(pointer: string, last: string | undefined): string {
  const steps = [...pointer.split('/').slice(1), ...(last === undefined ? [] : [last])];
  return steps.reduce(
    (path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`),
    '',
  );
}

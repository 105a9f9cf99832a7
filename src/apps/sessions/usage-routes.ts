import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type AnswerFormat,
  type AnswerKind,
  callerOf,
  chooseAnswer,
  type EventReaders,
  type Platform,
  textTypes,
  VitrinaError,
} from '../../index.js';
import { type Question, readQueryString, readQuestion } from './question.js';
import { eventResponses, querySchema, sessionResponses, summaryResponses, usersSchema } from './schemas.js';
import type { SessionsSettings } from './settings.js';

interface Parts {
  readonly platform: Platform;
  readonly settings: SessionsSettings;
  readonly readers: EventReaders;
}

const formats: readonly AnswerFormat[] = ['json', 'csv', 'ndjson'];

/** `/get_ecrans/`, its raw events, and the summary: one question in three depths. */
export async function usageRoutes(scope: FastifyInstance, { platform, settings, readers }: Parts): Promise<void> {
  const config = settings.auth === 'public' ? { public: true } : { scopes: ['sessions'] };
  // The schemas are for people; questions are checked by hand.
  const validatorCompiler = () => () => true;
  const ofBody = ({ body }: FastifyRequest) => readQuestion(body, settings.max_utils);
  const ofQuery = ({ query }: FastifyRequest) => readQueryString(query as Record<string, unknown>, settings.max_utils);
  const answerer =
    (kind: AnswerKind, read: (request: FastifyRequest) => Question) => (request: FastifyRequest, reply: FastifyReply) =>
      answer(platform, readers, kind, read(request), request, reply);

  scope.post(
    '/get_ecrans/',
    {
      config,
      schema: { summary: 'Sessions of people', body: usersSchema, response: sessionResponses },
      validatorCompiler,
    },
    answerer('sessions', ofBody),
  );
  scope.post(
    '/get_ecrans/raw',
    { config, schema: { summary: 'Events of people', body: usersSchema, response: eventResponses }, validatorCompiler },
    answerer('events', ofBody),
  );
  scope.get(
    platform.alone ? '/sessions/summary' : '/summary',
    {
      config,
      schema: {
        summary: 'How many sessions, and how long, by person and instance',
        querystring: querySchema,
        response: summaryResponses,
      },
      validatorCompiler,
    },
    answerer('summary', ofQuery),
  );
}

async function answer(
  platform: Platform,
  readers: EventReaders,
  kind: AnswerKind,
  query: Question,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const format = chooseAnswer(request.headers.accept, 'json', formats);
  const { deadline = Number.POSITIVE_INFINITY } = callerOf(request);
  const asked = readers.ask({ kind, format, query }, Math.max(1, deadline - performance.now()));
  // Also said of a connection that goes on after the answer.
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) asked.drop(new VitrinaError('request-abandoned', {}));
  });
  const { body, skipped, finished } = await asked.answer;
  // Never rejected for who has left or was cut off: those are told elsewhere.
  void finished.then((all) => report(platform, request, all)).catch(() => undefined);
  reply.type(textTypes[format]);
  reply.header('vary', 'Accept');
  if (body instanceof Readable) {
    // How many there are is not known yet.
    reply.trailer('x-skipped-events', async () => String(await finished.catch(() => skipped)));
    return reply.send(body);
  }
  reply.header('x-skipped-events', skipped);
  return reply.send(body);
}

function report({ log }: Platform, request: FastifyRequest, skipped: number): void {
  if (skipped === 0) return;
  log.warn({ reqId: request.id, skipped }, `${skipped} documents are no screen events, and were passed over.`);
}

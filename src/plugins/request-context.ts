import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { VitrinaError } from '../errors.js';
import { PlainResponse } from '../http/plain-response.js';

type RequestRouteOptions = FastifyRequest['routeOptions'];

declare module 'fastify' {
  interface FastifyRequest {
    /** `performance.now()` when the request's head had been read. */
    startedAt: number;
    /** The options of its route: `routeOptions` makes an object of them at each look. */
    route: RequestRouteOptions;
    /** The error that the request is answered with, once it is. */
    failure: VitrinaError | null;
  }
}

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

/** The id of a request over HTTP, by its `X-Request-Id`. */
export const requestId = ({ headers }: IncomingMessage): string => requestIdOf(headers['x-request-id']);

/** The id that the caller gave when it is harmless in a log, else one that no other process has. */
export function requestIdOf(given: unknown): string {
  if (typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given)) return given;
  counter++;
  return `${prefix}-${counter.toString(36)}`;
}

/**
 * What every answer says that does not say otherwise: that it is what its type says, and goes into no cache (`X-Api-Key`
 * does not keep caches off, as `Authorization` does); that a browser which shows it may make nothing of it. A page that
 * means to be one sets its own policy (`plugins/openapi.ts`).
 */
export const usualHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

/** Every answer says which request it belongs to and how many seconds it took, and has the usual headers. */
async function requestContext(app: FastifyInstance): Promise<void> {
  app.decorateRequest('startedAt', 0);
  app.decorateRequest<RequestRouteOptions | null>('route', null);
  app.decorateRequest('failure', null);
  app.decorateRequest('caller', null);
  app.decorateRequest('trace', null);
  app.decorateRequest('readingAt', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.startedAt = performance.now();
    request.route = request.routeOptions;
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-process-time', ((performance.now() - request.startedAt) / 1000).toFixed(6));
    // Plain answers add them themselves, for less.
    if (!(reply.raw instanceof PlainResponse)) {
      for (const name in usualHeaders) if (!reply.hasHeader(name)) reply.header(name, usualHeaders[name]);
    }
    done();
  });
}

export default fp(requestContext, { name: 'request-context' });

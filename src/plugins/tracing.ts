import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Arrival, RequestTrace, type Tracing } from '../services/tracing/tracing.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request was let in, so that its body began to be read; 0 unless it is traced. */
    readingAt: number;
  }
}

/**
 * A span for each request that is traced, and one for the reading of its body. The caller finds the span in the answer's
 * `traceparent`. Attributes follow https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
 */
async function tracingPlugin(app: FastifyInstance, { tracing }: { tracing: Tracing }): Promise<void> {
  app.addHook('onRequest', (request, reply, done) => {
    const trace = tracing.begin(request.headers.traceparent, () => arrivalOf(request));
    if (trace !== null) {
      request.trace = trace;
      reply.header('traceparent', trace.traceparent);
    }
    done();
  });

  app.addHook('preValidation', (request, _reply, done) => {
    if (request.trace instanceof RequestTrace) {
      request.trace.part('read body', request.readingAt, performance.now());
    }
    done();
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const { trace, failure, caller } = request;
    if (trace instanceof RequestTrace) {
      const size =
        typeof payload === 'string'
          ? Buffer.byteLength(payload)
          : Buffer.isBuffer(payload)
            ? payload.length
            : undefined;
      const read = Number(request.headers['content-length'] ?? Number.NaN);
      tracing.end(trace, {
        at: performance.now(),
        attributes: {
          'http.response.status_code': reply.statusCode,
          ...(Number.isSafeInteger(read) ? { 'http.request.body.size': read } : {}),
          ...(size === undefined ? {} : { 'http.response.body.size': size }),
        },
        ...(failure === null ? {} : { failure }),
        caller,
      });
    }
    done();
  });

  app.addHook('onClose', () => tracing.close());
}

function arrivalOf(request: FastifyRequest): Arrival {
  const { startedAt, method, headers } = request;
  const route = request.route.url;
  return {
    name: route === undefined ? method : `${method} ${route}`,
    startedAt,
    tracestate: headers.tracestate,
    attributes: {
      'http.request.method': method,
      // A path that meets no route may hold anything, and stays out.
      ...(route === undefined ? {} : { 'http.route': route, 'url.path': request.url.split('?', 1)[0]! }),
      'url.scheme': request.protocol,
      'network.protocol.version': request.raw.httpVersion,
      'user_agent.original': headers['user-agent'] ?? '',
      'vitrina.request_id': request.id,
    },
  };
}

export default fp(tracingPlugin, { name: 'tracing', dependencies: ['request-context'] });

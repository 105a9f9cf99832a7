import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { RequestLog } from '../services/logs/request-log.js';
import { parseTraceparent } from '../services/tracing/traceparent.js';

/** Logs requests once their answer is on its way; which of them, the log decides. */
async function requestLogPlugin(app: FastifyInstance, { log }: { log: RequestLog }): Promise<void> {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { statusCode: status } = reply;
    if (log.wants(status)) {
      const { id, method, startedAt, principal, caller, trace, failure, headers } = request;
      log.write({
        id,
        method,
        route: request.route.url,
        status,
        ms: performance.now() - startedAt,
        bytesIn: headers['content-length'] === undefined ? undefined : Number(headers['content-length']),
        bytesOut:
          typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload as string) : undefined,
        principal,
        caller,
        traceId: trace?.traceId ?? parseTraceparent(headers.traceparent)?.traceId,
        failure,
      });
    }
    done();
  });
}

export default fp(requestLogPlugin, { name: 'request-log', dependencies: ['request-context'] });

import type { FastifyInstance, onSendHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { Metrics, RouteMetrics } from '../services/metrics/metrics.js';

/**
 * Counts every request that is answered. Each route gets its own counters when it is registered, so that counting takes
 * no look-up. What meets no route has none; it is counted where it is answered (`speak`).
 */
async function metricsPlugin(app: FastifyInstance, { metrics }: { metrics: Metrics }): Promise<void> {
  const count =
    (route: RouteMetrics): onSendHookHandler =>
    (request, reply, _payload, done) => {
      const now = performance.now();
      const { startedAt, caller, failure } = request;
      route.answered(reply.statusCode, now - startedAt);
      if (failure !== null) {
        metrics.error(failure.code);
        const model = refusedModel(request.params);
        // What reached its prediction has been counted there.
        if (model !== undefined && caller?.failed !== true && predicts.has(route)) metrics.refused(model, failure.code);
      } else if (caller !== null) metrics.delivered(caller, startedAt, now);
      done();
    };

  const predicts = new Set<RouteMetrics>();
  app.addHook('onRoute', (options) => {
    const methods = Array.isArray(options.method) ? options.method.join() : options.method;
    const route = metrics.route(methods, options.url);
    if (options.config?.scopes?.includes('predict')) predicts.add(route);
    options.onSend = [options.onSend ?? [], count(route)].flat();
  });

  app.addHook('onClose', () => metrics.close());
}

/** The name of the model in the path; the metrics know whether there is one. */
function refusedModel(params: unknown): string | undefined {
  const { name, model } = params as { name?: string; model?: string };
  return name ?? model;
}

export default fp(metricsPlugin, { name: 'metrics', dependencies: ['request-context'] });

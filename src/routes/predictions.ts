import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../services/platform.js';
import { readBody, writeAnswer } from '../services/prediction-json.js';
import type { PredictionService } from '../services/prediction-service.js';

type Params = { Params: { name: string; version?: string } };

/**
 * `POST /models/{name}[/versions/{v}]/predict`. The bodies are checked against the signature of the version that
 * answers, not by a schema fixed at start: `/openapi.json` shows each model's own types.
 */
export async function predictionRoutes(
  app: FastifyInstance,
  { predictions }: { predictions: PredictionService },
): Promise<void> {
  const options = { config: { scopes: ['predict'] as const }, schema: { hide: true } };
  const handler = async (request: FastifyRequest<Params>, reply: FastifyReply) => {
    const { name, version } = request.params;
    const selected = predictions.select(name, version, request.headers);
    const ready = selected instanceof Promise ? await selected : selected;
    const { form, inputs } = readBody(ready.signature, request.body);
    const caller = callerOf(request);
    const prediction = await predictions.predict({
      model: name,
      ready,
      inputs,
      caller,
      id: request.id,
      ...(version === undefined ? {} : { version }),
    });
    reply.header('x-model-version', prediction.version.version);
    return writeAnswer(form, prediction);
  };
  app.post('/models/:name/predict', options, handler);
  app.post('/models/:name/versions/:version/predict', options, handler);
}

import formbody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { callerOf, type Platform, principalOf, VitrinaError } from '../../index.js';
import { predictionRecord } from './prediction-record.js';
import { Polarity, refusals, Text } from './schemas.js';
import type { SpamSettings } from './settings.js';
import type { SpamModel } from './spam-model.js';

interface Parts {
  readonly platform: Platform;
  readonly settings: SpamSettings;
  readonly model: SpamModel;
}

/**
 * `POST /predict_sentiment`. The unit is taken before the model is asked and given back when there is no answer; it is
 * settled in the transaction that records the prediction, so that a user has used as many as are recorded.
 */
export async function classifyRoutes(scope: FastifyInstance, { platform, settings, model }: Parts): Promise<void> {
  const limits = { monthly: settings['monthly-limit'], daily: null };
  await scope.register(formbody, { bodyLimit: 1024 * 1024 });

  scope.post<{ Body: Static<typeof Text> }>(
    '/predict_sentiment',
    {
      config: { scopes: ['spam_ml'] },
      schema: {
        operationId: 'predict_sentiment',
        summary: 'Is this message spam?',
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: Text,
        response: { 200: Polarity, ...refusals },
      },
      // The text may come in the URL instead.
      preValidation: (request, _reply, done) => {
        const query = request.query as { text_message?: string };
        request.body ??= query.text_message === undefined ? ({} as never) : { text_message: query.text_message };
        done();
      },
    },
    async (request) => {
      const { text_message: text } = request.body;
      if (text.trim() === '') throw new VitrinaError('text-empty', {});
      const { userId } = principalOf(request);
      const { quotas } = platform.accounts;
      const unit = await quotas.take(`spam:${userId}`, limits, 1, settings['time-zone']);
      let prediction: Awaited<ReturnType<SpamModel['predict']>>;
      try {
        prediction = await model.predict(text, callerOf(request), request.id);
      } catch (error) {
        await unit.giveBack();
        throw error;
      }
      await unit.settle(predictionRecord(unit.id, userId, prediction, settings.storeText ? text : null));
      return { text_message: text, spam_polarity: prediction.polarity, month_used_amount: unit.used };
    },
  );
}

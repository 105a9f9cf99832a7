import type { FastifyError } from 'fastify';
import { defineApp, VitrinaError } from '../../index.js';
import { eventRoutes } from './event-routes.js';
import { faults, refusal, renderDetail } from './refusal.js';
import { startRetention } from './retention.js';
import { readSettings } from './settings.js';
import { openReaders } from './stores.js';
import { usageRoutes } from './usage-routes.js';

/**
 * Screen events become sessions: who used the software from when to when, found by clustering time alone.
 *
 * Reading, clustering and writing the answers happen in threads of the platform's (`EventReaders`); here is what clients
 * see. Bodies and refusals are those of the FastAPI service that this app replaces.
 */
export default defineApp({
  name: 'sessions',
  title: 'sessions: screen events become sessions',
  description: 'Clusters the events of people in time, by HDBSCAN, and tells when who used what.',
  async register(scope, platform) {
    const settings = readSettings(platform.settings);
    const readers = openReaders(platform, settings);
    scope.addHook('onClose', () => readers.close());
    // Beside other apps nobody may ever ask.
    if (platform.alone) scope.addHook('onListen', async () => readers.warm());
    await scope.register(async (inner) => {
      // There is one word for bodies that cannot be answered, whatever is wrong with them.
      inner.setErrorHandler((error: FastifyError | VitrinaError) => {
        const isJson = !(error instanceof VitrinaError) || error.code !== 'body-not-json';
        throw isJson ? error : refusal([faults.notJson(error.message)]);
      });
      await inner.register(usageRoutes, { platform, settings, readers });
      if (settings.store === 'embedded') await inner.register(eventRoutes, { platform, settings });
    });
    if (settings.store === 'embedded' && settings.retention_days > 0) {
      scope.addHook('onClose', startRetention(platform, settings.retention_days));
    }
  },
  renderDetail,
});

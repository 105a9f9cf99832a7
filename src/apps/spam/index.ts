import { defineApp } from '../../index.js';
import { classifyRoutes } from './classify-routes.js';
import { ensureFirstSuperuser } from './first-superuser.js';
import { loginRoutes } from './login-routes.js';
import { Message, Routes } from './schemas.js';
import { readSettings } from './settings.js';
import { SpamModel } from './spam-model.js';
import { userRoutes } from './user-routes.js';

/**
 * Registered users classify messages, so many a month.
 *
 * Users, logins and quotas are the platform's; what is theirs beyond the name is a profile. The model is the
 * repository's, or trained here (`spam-model.ts`).
 */
export default defineApp({
  name: 'spam',
  title: 'spam: registered users classify messages',
  description: 'Tells ham from spam, ten messages a month and user.',
  titleFrom: (settings) => readSettings(settings)['project-name'],
  async register(scope, platform) {
    const settings = readSettings(platform.settings);
    const model = new SpamModel(platform, settings);
    // Beside other apps it is trained by whoever asks first: nobody may.
    if (platform.alone) await model.prepare();
    await ensureFirstSuperuser(platform, settings);

    const routes: { path: string; name: string }[] = [];
    scope.addHook('onRoute', ({ url, method, schema }) => {
      const name = (schema as { operationId?: string } | undefined)?.operationId;
      if (name !== undefined && method !== 'HEAD') routes.push({ path: url.replace(/:(\w+)/g, '{$1}'), name });
    });
    const open = { config: { public: true } };

    scope.get(
      '/',
      { ...open, schema: { operationId: 'root', summary: 'Does the database answer?', response: { 200: Message } } },
      async () => {
        await platform.storage.db.selectFrom('users').select('id').limit(1).execute();
        return { message: `${settings['project-name']} is up, and its database answers.` };
      },
    );
    scope.get(
      '/health_check',
      { ...open, schema: { operationId: 'health_check', summary: 'Is it up?', response: { 200: Message } } },
      () => ({ message: 'up' }),
    );
    scope.get(
      '/all_routes',
      { ...open, schema: { operationId: 'all_routes', summary: 'Every route', response: { 200: Routes } } },
      () => routes,
    );
    await scope.register(userRoutes, { platform, settings });
    await scope.register(loginRoutes, { platform });
    await scope.register(classifyRoutes, { platform, settings, model });
  },
  // The words of the system that this app replaces.
  renderDetail({ code }) {
    if (code === 'full-name-incomplete') return 'You should provide at least 2 names';
    return code === 'document-number-invalid' ? 'You should provide a valid document number' : undefined;
  },
});

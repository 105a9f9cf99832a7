import type { Config } from '../../config.js';
import type { ModelRepository } from './model-repository.js';

/**
 * The name of the repository's model that an app uses: the app's own, unless its setting `model` names another. An app
 * that is served alone takes the only model there is, whatever its name.
 */
export function modelNameOf(app: string, { apps, only }: Config, models: Pick<ModelRepository, 'names'>): string {
  const { model } = apps[app] ?? {};
  if (typeof model === 'string') return model;
  const [name, ...others] = models.names();
  return only === app && name !== undefined && others.length === 0 ? name : app;
}

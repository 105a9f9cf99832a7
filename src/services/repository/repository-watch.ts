import { type FSWatcher, watch } from 'node:fs';
import type { FastifyBaseLogger } from 'fastify';
import type { ModelRepository } from './model-repository.js';

/** Saving a file makes several events, and training may still be writing: wait until it has been quiet this long. */
const quietMs = 250;

/** Refreshes the repository when something under its paths changes. Returns the function that stops watching. */
export function watchRepository(models: ModelRepository, paths: readonly string[], log: FastifyBaseLogger): () => void {
  let timer: NodeJS.Timeout | undefined;
  const refresh = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      models.refresh().catch((error: unknown) => log.error({ err: error }, 'The models could not be refreshed.'));
    }, quietMs);
  };
  const watchers: FSWatcher[] = paths.map((path) => watch(path, { recursive: true, persistent: false }, refresh));
  for (const watcher of watchers)
    watcher.on('error', (error) => log.error({ err: error }, 'Watching the models failed.'));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** Milliseconds between looks at whether another process on the same data folder has changed a model. */
const lookMs = 500;

/** Follows the changes that other processes make on the same data folder. Returns the function that stops following. */
export function followDataFolder(models: ModelRepository, log: FastifyBaseLogger): () => void {
  let seen = models.store.generation();
  const timer = setInterval(() => {
    const now = models.store.generation();
    if (now === seen) return;
    seen = now;
    models.followStore().catch((error: unknown) => log.error({ err: error }, 'A change of a model was not followed.'));
  }, lookMs).unref();
  return () => clearInterval(timer);
}

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

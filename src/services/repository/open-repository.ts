import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config.js';
import type { App } from '../platform.js';
import type { Siblings } from '../siblings.js';
import { ArtefactStore } from './artefact-store.js';
import { ModelRepository } from './model-repository.js';

/** The repository as the configuration has it. Models of `apps` stay in memory: an app asks them without waiting. */
export function openRepository(config: Config, siblings: Siblings, apps: readonly App[]): ModelRepository {
  const budget = config['memory-budget'];
  return new ModelRepository({
    paths: config.models,
    cacheFolder: join(config.data, 'cache'),
    maxQueueRows: config['max-queue-rows'],
    maxWaitMs: config['max-wait-ms'],
    // With a process a core, a thread would only take turns with them.
    threads: config.workers < availableParallelism(),
    store: new ArtefactStore(join(config.data, 'models')),
    siblings,
    load: config.load,
    memoryBudget: budget === 0 ? undefined : budget * 2 ** 20,
    pinned: apps.map(({ name }) => modelOf(config, name)),
    // An app that is served alone takes the only model there is, whatever its name.
    pinOnly: config.only !== undefined,
    keepVersions: config['keep-versions'],
    maxWaiting: config['max-waiting-loads'],
  });
}

function modelOf({ apps }: Config, app: string): string {
  const { model } = apps[app] ?? {};
  return typeof model === 'string' ? model : app;
}

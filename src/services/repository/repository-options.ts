import type { Siblings } from '../siblings.js';
import type { ArtefactStore } from './artefact-store.js';

/** When versions are loaded: with the server, or when they are asked for; `auto` decides by how many there are. */
export type LoadMode = 'eager' | 'lazy' | 'auto';

export interface RepositoryOptions {
  /** Repository folders and artefacts. */
  readonly paths: readonly string[];
  /** Folder of the conversion cache; without one, nothing is kept. */
  readonly cacheFolder: string | undefined;
  readonly maxQueueRows: number;
  /** Milliseconds that a request may be expected to wait for its batch; without it, only rows are limited. */
  readonly maxWaitMs?: number;
  /** Milliseconds that an uploaded graph gets to answer zeros; 30,000 unless told. */
  readonly trialMs?: number;
  /** Whether versions on the event loop may have threads beside it for large batches; not unless told. */
  readonly threads?: boolean;
  /** Where uploaded artefacts are kept; without one, models cannot be changed, only loaded and unloaded. */
  readonly store?: ArtefactStore;
  /** The other processes of the server, which hear of every change; none unless told. */
  readonly siblings?: Siblings;
  /** `eager` unless told. */
  readonly load?: LoadMode;
  /** Bytes that loaded versions may take together; no limit unless told. */
  readonly memoryBudget?: number | undefined;
  /** Models that are loaded at the start and never unloaded to make room, beside those whose `model.yaml` says so. */
  readonly pinned?: readonly string[];
  /** Whether a model that is the only one is pinned. */
  readonly pinOnly?: boolean;
  /** Superseded uploads of a model that stay in the store; 5 unless told. */
  readonly keepVersions?: number;
  /** Requests that may wait for versions to be loaded; 1,000 unless told. */
  readonly maxWaiting?: number;
}

import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { EventReaders, type Platform, type StoreOptions, VitrinaError } from '../../index.js';
import type { SessionsSettings } from './settings.js';

/** The threads that read events where the settings have them. Errors: `path-unusable`, `setting-missing`. */
export function openReaders(platform: Platform, settings: SessionsSettings): EventReaders {
  return new EventReaders({
    store: storeOptions(platform, settings),
    clustering: {
      minClusterSize: settings.min_cluster_size,
      minSamples: settings.min_samples,
      allowSingleCluster: settings.allow_single_cluster,
      clusterSelectionMethod: settings.cluster_selection_method,
      clusterSelectionEpsilon: settings.cluster_selection_epsilon,
    },
    maxEvents: settings.max_events,
    threads: settings.threads,
    timeout: settings.timeout,
    maxWaiting: settings.max_waiting,
  });
}

/** Connections to PostgreSQL of one thread, beside those of the server. */
const poolSize = 4;
/** A thread that cannot connect says so soon; the next request tries again. */
const patienceMs = 1_000;

function storeOptions({ database }: Platform, settings: SessionsSettings): StoreOptions {
  if (settings.store === 'embedded') {
    if ('path' in database) return { kind: 'embedded', database: { path: database.path } };
    const { url, timeoutMs } = database;
    const limits = { pool: poolSize, patienceMs, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return { kind: 'embedded', database: { url, ...limits } };
  }
  const apiKey = readApiKey(settings);
  return {
    kind: 'elasticsearch',
    url: settings.elasticsearch_url!,
    index: settings.elasticsearch_index!,
    pageSize: settings.page_size,
    keepAliveMs: settings.timeout * 1000,
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

/** Of the settings, or of the file of credentials; nothing where there is none of either. */
function readApiKey(settings: SessionsSettings): { readonly id: string; readonly key: string } | undefined {
  const { credentials: path, es_prod_id, es_prod_api_key } = settings;
  const given = es_prod_id !== undefined || es_prod_api_key !== undefined;
  const source = given ? { ES_PROD_ID: es_prod_id, ES_PROD_API_KEY: es_prod_api_key } : readCredentials(path);
  if (source === undefined) return undefined;
  const { ES_PROD_ID: id, ES_PROD_API_KEY: key } = source;
  if (typeof id === 'string' && id !== '' && typeof key === 'string' && key !== '') return { id, key };
  const variable = typeof id === 'string' && id !== '' ? 'ES_PROD_API_KEY' : 'ES_PROD_ID';
  const why = 'an API key has two halves';
  throw new VitrinaError('setting-missing', {
    variable,
    why,
    next: `set both as texts, in ${path} or in the settings`,
  });
}

function readCredentials(path: string): Record<string, unknown> | undefined {
  if (!existsSync(path)) return undefined;
  let found: unknown;
  try {
    found = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch {
    // What the parser says may quote the key.
    throw new VitrinaError('path-unusable', { path, problem: 'it cannot be read as YAML' });
  }
  if (typeof found === 'object' && found !== null) return found as Record<string, unknown>;
  throw new VitrinaError('path-unusable', { path, problem: 'expected ES_PROD_ID and ES_PROD_API_KEY' });
}

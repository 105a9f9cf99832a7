import { availableParallelism } from 'node:os';
import { appSettings, VitrinaError } from '../../index.js';

/** `apps: {sessions: {…}}` of `vitrina.yaml`. */
export interface SessionsSettings {
  /** Where events are: in Vitrina's own database, or in Elasticsearch. */
  readonly store: 'embedded' | 'elasticsearch';
  /** Who may ask: holders of a key or token with the scope `sessions`, or anybody. */
  readonly auth: 'key' | 'public';

  /** As Python's HDBSCAN has them; distances are milliseconds. */
  readonly min_cluster_size: number;
  readonly min_samples: number | undefined;
  readonly allow_single_cluster: boolean;
  readonly cluster_selection_method: 'eom' | 'leaf';
  readonly cluster_selection_epsilon: number;

  /** Address of Elasticsearch, and what is searched there. */
  readonly elasticsearch_url: string | undefined;
  readonly elasticsearch_index: string | undefined;
  /** Documents that are asked for at a time. */
  readonly page_size: number;
  /** YAML file with `ES_PROD_ID` and `ES_PROD_API_KEY`, unless the next two are set. */
  readonly credentials: string;
  readonly es_prod_id: string | undefined;
  readonly es_prod_api_key: string | undefined;

  /** Seconds for all of a request. */
  readonly timeout: number;
  /** Threads that read and cluster; as many as there are processors, up to four, unless given. */
  readonly threads: number;
  /** People of one request, and events of one of them. */
  readonly max_utils: number;
  readonly max_events: number;
  /** Requests that may wait for a thread. */
  readonly max_waiting: number;
  /** Events of one `POST /events`. */
  readonly max_batch: number;
  /** Days after which embedded events are removed; 0: never. */
  readonly retention_days: number;
}

const { flag, integer, oneOf, readAppSettings, text } = appSettings;

const table: Readonly<Record<keyof SessionsSettings, appSettings.AppSetting>> = {
  store: oneOf('embedded', 'elasticsearch'),
  auth: oneOf('key', 'public'),
  min_cluster_size: integer(5, 2, 1_000_000_000),
  min_samples: integer(undefined, 1, 1_000_000_000),
  allow_single_cluster: flag(false),
  cluster_selection_method: oneOf('eom', 'leaf'),
  cluster_selection_epsilon: {
    fallback: 0,
    expected: 'a number of milliseconds from 0 on',
    fits: (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value),
  },
  elasticsearch_url: {
    fallback: undefined,
    expected: 'an http or https address without user, password and query',
    fits: isPlainAddress,
    secret: true,
  },
  elasticsearch_index: text(),
  page_size: integer(5_000, 1, 10_000),
  credentials: text('config/credentials.yml'),
  es_prod_id: text(),
  es_prod_api_key: { ...text(), secret: true },
  timeout: integer(30, 1, 3600),
  threads: integer(Math.min(4, availableParallelism()), 1, 64),
  max_utils: integer(1_000, 1, 65_536),
  max_events: integer(5_000_000, 1, 100_000_000),
  max_waiting: integer(1_000, 1, 100_000),
  max_batch: integer(5_000, 1, 100_000),
  retention_days: integer(0, 0, 36_500),
};

/** A password in an address would be in logs; the API key has settings of its own. */
function isPlainAddress(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`, `setting-missing`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): SessionsSettings {
  const settings = readAppSettings<SessionsSettings>('sessions', table, given);
  if (given.store === 'elasticsearch') {
    for (const needed of ['elasticsearch_url', 'elasticsearch_index']) {
      if (given[needed] !== undefined) continue;
      const why = 'the store is elasticsearch';
      const next = 'say where the events are, in vitrina.yaml';
      throw new VitrinaError('setting-missing', { variable: `apps.sessions.${needed}`, why, next });
    }
  }
  return settings;
}

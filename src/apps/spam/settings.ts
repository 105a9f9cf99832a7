import { VitrinaError } from '../../index.js';
import { localStage } from './environment.js';

/** `apps: {spam: {…}}` of `vitrina.yaml`; the first five also from the environment (`environment.ts`). */
export interface SpamSettings {
  /** Where this runs; check digits of documents are looked at, and a secret is demanded, anywhere but at `local`. */
  readonly 'app-env': string;
  /** Title of the documentation. */
  readonly 'project-name': string;
  /** The user who is made at the first start, and may see all others; all three or none. */
  readonly 'first-superuser': string | undefined;
  readonly 'first-superuser-password': string | undefined;
  readonly 'first-superuser-email': string | undefined;
  /** Predictions of a user in a calendar month. */
  readonly 'monthly-limit': number;
  /** Where the month begins. */
  readonly 'time-zone': string;
  /** Whether the texts that were asked about are kept. */
  readonly storeText: boolean;
  /** What is made of texts in training: counts of words, or tf-idf. */
  readonly vectorizer: 'count' | 'tfidf';
  /** CSV file to learn from; the app's data folder, and then the bundled file, are looked at unless given. */
  readonly 'training-data': string | undefined;
}

interface Setting {
  readonly fallback: unknown;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

const text = (fallback?: string): Setting => ({ fallback, expected: 'a text', fits: isText });
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const table: Readonly<Record<keyof SpamSettings, Setting>> = {
  'app-env': text(localStage),
  'project-name': text('spam: registered users classify messages'),
  'first-superuser': {
    fallback: undefined,
    expected: 'a name of three characters at least',
    fits: (value) => isText(value) && value.length >= 3,
  },
  'first-superuser-password': {
    fallback: undefined,
    expected: 'a password of six characters at least',
    fits: (value) => isText(value) && value.length >= 6,
  },
  'first-superuser-email': {
    fallback: undefined,
    expected: 'an e-mail address',
    fits: (value) => isText(value) && /^[^@\s]+@[^@\s]+$/.test(value),
  },
  'monthly-limit': {
    fallback: 10,
    expected: 'a whole number from 1 to 1000000000',
    fits: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1e9,
  },
  'time-zone': { fallback: 'UTC', expected: 'a time zone, as in America/Sao_Paulo', fits: isTimeZone },
  storeText: { fallback: true, expected: 'true or false', fits: (value) => typeof value === 'boolean' },
  vectorizer: {
    fallback: 'count',
    expected: 'count or tfidf',
    fits: (value) => value === 'count' || value === 'tfidf',
  },
  'training-data': text(),
};

function isTimeZone(value: unknown): boolean {
  if (!isText(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

const superuser = ['first-superuser', 'first-superuser-password', 'first-superuser-email'] as const;

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`, `setting-missing`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): SpamSettings {
  const source = 'vitrina.yaml or environment';
  for (const [name, value] of Object.entries(given)) {
    if (name === 'model') continue;
    const setting = `apps.spam.${name}`;
    if (!Object.hasOwn(table, name)) throw new VitrinaError('setting-unknown', { setting, source, nearest: undefined });
    const { expected, fits } = table[name as keyof SpamSettings];
    if (fits(value)) continue;
    // A secret must not reach a terminal or a log by way of its own error.
    const shown = name === 'first-superuser-password' ? 'unusable' : String(JSON.stringify(value));
    throw new VitrinaError('setting-invalid', { setting, source, value: shown, expected });
  }
  const missing = superuser.find((name) => given[name] === undefined);
  const present = superuser.find((name) => given[name] !== undefined);
  if (missing !== undefined && present !== undefined) {
    throw new VitrinaError('setting-missing', {
      variable: nameOf(missing),
      why: `${nameOf(present)} is`,
      next: 'the first superuser needs a name, a password and an e-mail address',
    });
  }
  const defaults = Object.fromEntries(Object.entries(table).map(([name, { fallback }]) => [name, fallback]));
  return Object.freeze({ ...defaults, ...given }) as unknown as SpamSettings;
}

const nameOf = (setting: string) => setting.toUpperCase().replaceAll('-', '_');

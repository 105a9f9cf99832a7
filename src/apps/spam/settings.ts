import { appSettings, isTimeZone, VitrinaError } from '../../index.js';
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

const { flag, integer, oneOf, readAppSettings, text } = appSettings;

const isText = text().fits;

const table: Readonly<Record<keyof SpamSettings, appSettings.AppSetting>> = {
  'app-env': text(localStage),
  'project-name': text('spam: registered users classify messages'),
  'first-superuser': {
    fallback: undefined,
    expected: 'a name of three characters at least',
    fits: (value) => isText(value) && (value as string).length >= 3,
  },
  'first-superuser-password': {
    fallback: undefined,
    expected: 'a password of six characters at least',
    fits: (value) => isText(value) && (value as string).length >= 6,
    secret: true,
  },
  'first-superuser-email': {
    fallback: undefined,
    expected: 'an e-mail address',
    fits: (value) => isText(value) && /^[^@\s]+@[^@\s]+$/.test(value as string),
  },
  'monthly-limit': integer(10, 1, 1e9),
  'time-zone': {
    fallback: 'UTC',
    expected: 'a time zone, as in America/Sao_Paulo',
    fits: (value) => isText(value) && isTimeZone(value as string),
  },
  storeText: flag(true),
  vectorizer: oneOf('count', 'tfidf'),
  'training-data': text(),
};

const superuser = ['first-superuser', 'first-superuser-password', 'first-superuser-email'] as const;

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`, `setting-missing`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): SpamSettings {
  const settings = readAppSettings<SpamSettings>('spam', table, given, 'vitrina.yaml or environment');
  const missing = superuser.find((name) => given[name] === undefined);
  const present = superuser.find((name) => given[name] !== undefined);
  if (missing !== undefined && present !== undefined) {
    throw new VitrinaError('setting-missing', {
      variable: nameOf(missing),
      why: `${nameOf(present)} is`,
      next: 'the first superuser needs a name, a password and an e-mail address',
    });
  }
  return settings;
}

const nameOf = (setting: string) => setting.toUpperCase().replaceAll('-', '_');

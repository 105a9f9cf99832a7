import { appSettings, VitrinaError } from '../../index.js';
import { variableOf } from './environment.js';

/** `apps: {artwork: {…}}` of `vitrina.yaml`; each also from the environment (`environment.ts`). */
export interface ArtworkSettings {
  /** The system token of whoever posts packages; keys with the scope `artwork:write` are heeded with it and without. */
  readonly token: string | undefined;
  /** Where the end of a package is told, and the secret that signs what is told. */
  readonly 'callback-url': string | undefined;
  readonly 'callback-secret': string | undefined;
  /** Hours for which a callback is tried. */
  readonly 'callback-limit-hours': number;
  /** Where the app says at its start that it is there. */
  readonly 'announce-url': string | undefined;
  /** Under which address callers reach the app, for the links in callbacks; paths alone unless given. */
  readonly 'public-url': string | undefined;
  /** Hosts that packages are fetched from; any public one where none is named. */
  readonly 'allowed-hosts': readonly string[];
  /** Model of the repository that is asked about each image. */
  readonly 'image-model': string | undefined;
  /** Images of one zip file. */
  readonly 'max-entries': number;
  /** Megabytes of a zip file's images, inflated; and of the images that are fetched by themselves. */
  readonly 'max-inflated-mb': number;
  /** Width times height of an image. */
  readonly 'max-pixels': number;
  /** Seconds for one package. */
  readonly 'package-timeout-seconds': number;
  /** Days after which manifest and thumbnails are removed; 0: never. */
  readonly 'keep-days': number;
}

const { integer, readAppSettings, text } = appSettings;

const address: appSettings.AppSetting = {
  fallback: undefined,
  expected: 'an http or https address without user and password',
  fits: isPlainAddress,
  // Its query may be a key.
  secret: true,
};

const longSecret: appSettings.AppSetting = {
  fallback: undefined,
  expected: 'a text of sixteen characters at least',
  fits: (value) => typeof value === 'string' && value.length >= 16,
  secret: true,
};

const table: Readonly<Record<keyof ArtworkSettings, appSettings.AppSetting>> = {
  token: longSecret,
  'callback-url': address,
  'callback-secret': longSecret,
  'callback-limit-hours': integer(24, 1, 720),
  'announce-url': address,
  'public-url': address,
  'allowed-hosts': {
    fallback: [],
    expected: 'a list of hosts, as in images.example, 10.0.0.7 or 10.1.0.0/16',
    fits: (value) =>
      Array.isArray(value) && value.every((host) => typeof host === 'string' && /^[^\s/@]+(\/\d{1,3})?$/.test(host)),
  },
  'image-model': text(),
  'max-entries': integer(1_000, 1, 100_000),
  'max-inflated-mb': integer(512, 1, 1_000_000),
  'max-pixels': integer(100_000_000, 1, 1_000_000_000),
  'package-timeout-seconds': integer(3_600, 1, 604_800),
  'keep-days': integer(30, 0, 36_500),
};

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`, `setting-missing`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): ArtworkSettings {
  const settings = readAppSettings<ArtworkSettings>('artwork', table, given, 'vitrina.yaml or environment');
  if (settings['callback-url'] !== undefined && settings['callback-secret'] === undefined) {
    throw new VitrinaError('setting-missing', {
      variable: variableOf('callback-secret'),
      why: `${variableOf('callback-url')} is, where callbacks are signed`,
      next: 'make one with "openssl rand -hex 32", and give it to whoever is called back',
    });
  }
  return settings;
}

function isPlainAddress(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

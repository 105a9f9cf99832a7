import { VitrinaError } from '../../index.js';
import { type BodyLimits, defaultLimits } from './body.js';

/** `apps: {shock: {…}}` of `vitrina.yaml`. */
export interface ShockSettings {
  /** Rows of a window, for a model whose time dimension is free. */
  readonly window: number;
  /** A signal never seen in the window: refused, or the mean of the stored scaler, listed as `imputed`. */
  readonly impute: 'refuse' | 'mean';
  /** Who may create users at `/auth/create_user`; unless given, anybody where the platform lets strangers register. */
  readonly registration: 'open' | 'admin' | undefined;
  /** Bytes after which `app.log` rotates, and old files that are kept. */
  readonly 'log-bytes': number;
  readonly 'log-files': number;
  /** Whether the request log is copied to standard output. */
  readonly 'log-stdout': boolean;
  /** Caps on one request, over all its patients. */
  readonly 'max-records': number;
  readonly 'max-patients': number;
}

interface Setting {
  readonly fallback: unknown;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

const oneOf = (fallback: string, ...others: string[]): Setting => ({
  fallback,
  expected: [fallback, ...others].join(' or '),
  fits: (value) => [fallback, ...others].includes(value as string),
});

const integer = (fallback: number, least: number, most: number): Setting => ({
  fallback,
  expected: `a whole number from ${least} to ${most}`,
  fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
});

const table: Readonly<Record<keyof ShockSettings, Setting>> = {
  window: integer(20, 1, 10_000),
  impute: oneOf('refuse', 'mean'),
  registration: { ...oneOf('open', 'admin'), fallback: undefined },
  'log-bytes': integer(10_000_000, 1000, 10_000_000_000),
  'log-files': integer(5, 1, 1000),
  'log-stdout': { fallback: true, expected: 'true or false', fits: (value) => typeof value === 'boolean' },
  'max-records': integer(defaultLimits.maxRecords, 1, 10_000_000),
  'max-patients': integer(defaultLimits.maxPatients, 1, 1_000_000),
};

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): ShockSettings {
  const source = 'vitrina.yaml';
  for (const [name, value] of Object.entries(given)) {
    if (name === 'model') continue;
    const setting = `apps.shock.${name}`;
    if (!Object.hasOwn(table, name)) throw new VitrinaError('setting-unknown', { setting, source, nearest: undefined });
    const { expected, fits } = table[name as keyof ShockSettings];
    if (!fits(value)) {
      throw new VitrinaError('setting-invalid', { setting, source, value: String(JSON.stringify(value)), expected });
    }
  }
  const defaults = Object.fromEntries(Object.entries(table).map(([name, { fallback }]) => [name, fallback]));
  return Object.freeze({ ...defaults, ...given }) as unknown as ShockSettings;
}

export function limitsOf(settings: ShockSettings): BodyLimits {
  return { maxRecords: settings['max-records'], maxPatients: settings['max-patients'] };
}

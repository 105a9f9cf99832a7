import { appSettings } from '../../index.js';
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

const { flag, integer, oneOf, readAppSettings } = appSettings;

const table: Readonly<Record<keyof ShockSettings, appSettings.AppSetting>> = {
  window: integer(20, 1, 10_000),
  impute: oneOf('refuse', 'mean'),
  registration: { ...oneOf('open', 'admin'), fallback: undefined },
  'log-bytes': integer(10_000_000, 1000, 10_000_000_000),
  'log-files': integer(5, 1, 1000),
  'log-stdout': flag(true),
  'max-records': integer(defaultLimits.maxRecords, 1, 10_000_000),
  'max-patients': integer(defaultLimits.maxPatients, 1, 1_000_000),
};

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): ShockSettings {
  return readAppSettings<ShockSettings>('shock', table, given);
}

export function limitsOf(settings: ShockSettings): BodyLimits {
  return { maxRecords: settings['max-records'], maxPatients: settings['max-patients'] };
}

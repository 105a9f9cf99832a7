import { appSettings } from '../../index.js';

/** `apps: {modelo: {…}}` of `vitrina.yaml`. */
export interface ModeloSettings {
  /** Who may predict: anybody, or holders of a key or token with the scope `predict`. */
  readonly predict: 'public' | 'key';
  /** The largest artefact that PUT takes, in bytes. */
  readonly 'max-bytes': number;
}

const { integer, oneOf, readAppSettings } = appSettings;

const table: Readonly<Record<keyof ModeloSettings, appSettings.AppSetting>> = {
  predict: oneOf('public', 'key'),
  'max-bytes': integer(512 * 2 ** 20, 1024, 2 ** 31),
};

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): ModeloSettings {
  return readAppSettings<ModeloSettings>('modelo', table, given);
}

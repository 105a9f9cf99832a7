import { VitrinaError } from '../../index.js';

/** `apps: {modelo: {…}}` of `vitrina.yaml`. */
export interface ModeloSettings {
  /** Who may predict: anybody, or holders of a key or token with the scope `predict`. */
  readonly predict: 'public' | 'key';
  /** The largest artefact that PUT takes, in bytes. */
  readonly 'max-bytes': number;
}

interface Setting {
  readonly fallback: unknown;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

const table: Readonly<Record<keyof ModeloSettings, Setting>> = {
  predict: {
    fallback: 'public',
    expected: 'public or key',
    fits: (value) => value === 'public' || value === 'key',
  },
  'max-bytes': {
    fallback: 512 * 2 ** 20,
    expected: 'a whole number from 1024 to 2147483648',
    fits: (value) => Number.isInteger(value) && (value as number) >= 1024 && (value as number) <= 2 ** 31,
  },
};

/**
 * Fills in the defaults. `model` belongs to the platform and passes.
 *
 * @throws VitrinaError `setting-unknown`, `setting-invalid`
 */
export function readSettings(given: Readonly<Record<string, unknown>>): ModeloSettings {
  const source = 'vitrina.yaml';
  for (const [name, value] of Object.entries(given)) {
    if (name === 'model') continue;
    const setting = `apps.modelo.${name}`;
    if (!Object.hasOwn(table, name)) throw new VitrinaError('setting-unknown', { setting, source, nearest: undefined });
    const { expected, fits } = table[name as keyof ModeloSettings];
    if (!fits(value)) {
      throw new VitrinaError('setting-invalid', { setting, source, value: String(JSON.stringify(value)), expected });
    }
  }
  const defaults = Object.fromEntries(Object.entries(table).map(([name, { fallback }]) => [name, fallback]));
  return Object.freeze({ ...defaults, ...given }) as unknown as ModeloSettings;
}

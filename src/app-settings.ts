import { VitrinaError } from './errors.js';

/** One setting of an app, of `apps: {<name>: {…}}`. */
export interface AppSetting {
  readonly fallback: unknown;
  /** What fits, for the error that refuses what does not. */
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
  /** Never shown, also not in the error that refuses it. */
  readonly secret?: true;
}

/** The first is the fallback. */
export const oneOf = (...choices: readonly string[]): AppSetting => ({
  fallback: choices[0],
  expected: choices.join(' or '),
  fits: (value) => choices.includes(value as string),
});

export const integer = (fallback: number | undefined, least: number, most: number): AppSetting => ({
  fallback,
  expected: `a whole number from ${least} to ${most}`,
  fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
});

export const text = (fallback?: string): AppSetting => ({
  fallback,
  expected: 'a text',
  fits: (value) => typeof value === 'string' && value !== '',
});

export const flag = (fallback: boolean): AppSetting => ({
  fallback,
  expected: 'true or false',
  fits: (value) => typeof value === 'boolean',
});

/**
 * The settings of an app, checked, with the defaults filled in. `model` belongs to the platform and passes.
 *
 * @param source where they come from, for errors
 * @throws VitrinaError `setting-unknown`, `setting-invalid`
 */
export function readAppSettings<T>(
  app: string,
  table: Readonly<Record<keyof T & string, AppSetting>>,
  given: Readonly<Record<string, unknown>>,
  source = 'vitrina.yaml',
): T {
  for (const [name, value] of Object.entries(given)) {
    if (name === 'model') continue;
    const setting = `apps.${app}.${name}`;
    if (!Object.hasOwn(table, name)) throw new VitrinaError('setting-unknown', { setting, source, nearest: undefined });
    const { expected, fits, secret } = table[name as keyof T & string];
    if (fits(value)) continue;
    // A secret must not reach a terminal or a log by way of its own error.
    const shown = secret ? 'unusable' : String(JSON.stringify(value));
    throw new VitrinaError('setting-invalid', { setting, source, value: shown, expected });
  }
  const defaults = Object.fromEntries(
    Object.entries<AppSetting>(table).map(([name, { fallback }]) => [name, fallback]),
  );
  return Object.freeze({ ...defaults, ...given }) as T;
}

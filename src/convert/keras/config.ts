import { VitrinaError } from '../../errors.js';
import type { Json, JsonObject } from '../../formats/json.js';

export type { Json, JsonObject };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A class of the user's own, though it may have the name of one of Keras'. Where the file names modules, the module of
 * a class tells; it is null for one that was written in the program that saved the model.
 */
export function isCustom(json: JsonObject): boolean {
  if (typeof json.registered_name === 'string' && json.registered_name.includes('>')) return true;
  if (!('module' in json)) return false;
  return typeof json.module !== 'string' || !/^(keras|tf_keras|keras_core|tensorflow)(\.|$)/.test(json.module);
}

/** Options that every layer has, or that matter to training alone. */
const harmless = new Set([
  'name',
  'trainable',
  'dtype',
  'batch_input_shape',
  'input_dtype',
  'batch_shape',
  'build_config',
  'autocast',
  'seed',
  'noise_shape',
  'activity_regularizer',
  'ragged',
  'sparse',
]);
const harmlessEnding = /_(initializer|regularizer|constraint)$/;

/**
 * The `config` of one layer, read option by option. A wrong type is a refusal that names layer and option, and so is
 * an option that its converter does not know: Keras grows options that change numbers.
 */
export class LayerConfig {
  constructor(
    readonly layer: string,
    readonly className: string,
    readonly json: JsonObject,
  ) {}

  /** Refuses what is neither in `known` nor harmless. `null` means "not set" in every Keras option. */
  checkOptions(known: readonly string[]): void {
    for (const key of Object.keys(this.json)) {
      if (harmless.has(key) || harmlessEnding.test(key) || known.includes(key) || this.json[key] === null) continue;
      this.refuse(`option ${key} = ${show(this.json[key]!)} is not known here`);
    }
  }

  refuse(why: string): never {
    throw new VitrinaError('layer-unsupported', { layer: this.layer, className: this.className, why });
  }

  /** The option; `null` when absent. What Keras stored as a NumPy array is the list of its numbers. */
  get(key: string): Json {
    const value = this.json[key] ?? null;
    if (!isObject(value) || (value.class_name !== '__numpy__' && value.class_name !== '__tensor__')) return value;
    return isObject(value.config) ? (value.config.value ?? null) : value;
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.typed(key, fallback, 'a boolean', (value) => typeof value === 'boolean');
  }

  number(key: string, fallback?: number): number {
    return this.typed(key, fallback, 'a number', (value) => typeof value === 'number');
  }

  integer(key: string, fallback?: number): number {
    return this.typed(key, fallback, 'an integer', Number.isSafeInteger);
  }

  string(key: string, fallback?: string): string {
    return this.typed(key, fallback, 'a string', (value) => typeof value === 'string');
  }

  /** A list of integers; a single integer is a list of one. */
  integers(key: string, fallback?: readonly number[]): readonly number[] {
    const value = this.get(key);
    if (Number.isSafeInteger(value)) return [value as number];
    return this.typed(
      key,
      fallback,
      'a list of integers',
      (list) => Array.isArray(list) && list.every(Number.isSafeInteger),
    );
  }

  /** A list of `length` integers; a single integer stands for all of them (`kernel_size: 3`). */
  spatial(key: string, length: number, fallback?: number): readonly number[] {
    const list = this.integers(key, fallback === undefined ? undefined : [fallback]);
    if (list.length === 1) return Array.from({ length }, () => list[0]!);
    if (list.length !== length) this.refuse(`option ${key} = ${show(list)} must have ${length} numbers`);
    return list;
  }

  /** Like `spatial`, for sizes, strides and factors: none below 1. */
  sizes(key: string, length: number, fallback?: number): readonly number[] {
    const list = this.spatial(key, length, fallback);
    if (list.some((size) => size < 1)) this.refuse(`option ${key} = ${show(list)} must be 1 or more`);
    return list;
  }

  /** One of `choices`. */
  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    const value = this.string(key, fallback);
    if (!(choices as readonly string[]).includes(value)) {
      this.refuse(`option ${key} = "${value}" is none of ${choices.join(', ')}`);
    }
    return value as T;
  }

  private typed<T>(key: string, fallback: T | undefined, what: string, holds: (value: unknown) => boolean): T {
    const value = this.get(key);
    if (value === null) {
      if (fallback === undefined) this.refuse(`option ${key} is missing`);
      return fallback;
    }
    if (!holds(value)) this.refuse(`option ${key} = ${show(value)} should be ${what}`);
    return value as T;
  }
}

/** A value in an error's text: short, whatever the file holds. */
export function show(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** A value where a name belongs, as text. `String` would call a `toString` that a file has put into its config. */
export function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}

import { type Problem, VitrinaError } from '../../errors.js';
import { isVersion } from '../repository/repository-scan.js';

/** How the requests that name no version are spread over the versions of a model. */
export interface TrafficPolicy {
  /** A share of the requests, from 0 to 1, that this version answers in place of the default. */
  readonly canary?: { readonly version: string; readonly weight: number };
  /** The header, in lower case, whose value keeps a caller with one version; without it, chance decides. */
  readonly sticky?: string;
  /** A version that computes a copy of a share of the requests, for comparison alone. */
  readonly shadow?: ShadowPolicy;
}

export interface ShadowPolicy {
  readonly version: string;
  /** Share of the requests that are copied, from 0 to 1. */
  readonly fraction: number;
  /** Outputs a and b agree where |a − b| ≤ tolerance · max(1, |a|), a being what the caller got. */
  readonly tolerance: number;
}

export const defaultTolerance = 1e-6;

/** Reads the body of `PUT /models/{name}/traffic`, or the file that keeps it. Errors: `request-invalid`. */
export function readPolicy(value: unknown): TrafficPolicy {
  const problems: Problem[] = [];
  const policy = fieldsOf(value, '', ['canary', 'sticky', 'shadow'], problems);
  const canary = optional(policy.canary, (given) => {
    const fields = fieldsOf(given, 'canary', ['version', 'weight'], problems);
    return {
      version: readVersion(fields.version, 'canary.version', problems),
      weight: readShare(fields.weight, 'canary.weight', problems),
    };
  });
  const sticky = optional(policy.sticky, (given) => readHeader(given, problems));
  const shadow = optional(policy.shadow, (given) => {
    const fields = fieldsOf(given, 'shadow', ['version', 'fraction', 'tolerance'], problems);
    return {
      version: readVersion(fields.version, 'shadow.version', problems),
      fraction: fields.fraction === undefined ? 1 : readShare(fields.fraction, 'shadow.fraction', problems),
      tolerance: readTolerance(fields.tolerance ?? defaultTolerance, problems),
    };
  });
  if (problems.length === 0) {
    if (canary === undefined && shadow === undefined) {
      problems.push({ path: 'body', message: 'names neither a canary nor a shadow; DELETE ends a policy' });
    } else if (sticky !== undefined && canary === undefined) {
      problems.push({ path: 'sticky', message: 'keeps callers with a canary, and there is none; leave it out' });
    }
  }
  if (problems.length > 0) throw new VitrinaError('request-invalid', { problems });
  return Object.freeze({
    ...(canary === undefined ? {} : { canary: Object.freeze(canary) }),
    ...(sticky === undefined ? {} : { sticky }),
    ...(shadow === undefined ? {} : { shadow: Object.freeze(shadow) }),
  });
}

const optional = <T>(value: unknown, read: (given: unknown) => T): T | undefined =>
  value === undefined || value === null ? undefined : read(value);

function fieldsOf(
  value: unknown,
  path: string,
  known: readonly string[],
  problems: Problem[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push({ path: path === '' ? 'body' : path, message: `expected an object with ${known.join(', ')}` });
    return {};
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const at = (path === '' ? name : `${path}.${name}`).slice(0, 80);
    problems.push({ path: at, message: `is unknown; the fields are ${known.join(', ')}` });
    break;
  }
  return value as Readonly<Record<string, unknown>>;
}

function readVersion(value: unknown, path: string, problems: Problem[]): string {
  const version = typeof value === 'number' ? String(value) : value;
  if (typeof version === 'string' && isVersion(version)) return version;
  problems.push({ path, message: `expected the number of a version, such as "3", ${got(value)}` });
  return '';
}

function readShare(value: unknown, path: string, problems: Problem[]): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  problems.push({ path, message: `expected a share of the requests, a number from 0 to 1, ${got(value)}` });
  return 0;
}

function readTolerance(value: unknown, problems: Problem[]): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  problems.push({ path: 'shadow.tolerance', message: `expected a number from 0, ${got(value)}` });
  return 0;
}

/** A name as RFC 9110 has it. */
function readHeader(value: unknown, problems: Problem[]): string {
  if (typeof value === 'string' && /^[!#$%&'*+.^_`|~\w-]{1,64}$/.test(value)) return value.toLowerCase();
  problems.push({ path: 'sticky', message: `expected the name of a header, such as "X-User-Id", ${got(value)}` });
  return '';
}

function got(value: unknown): string {
  if (value === undefined) return 'and it is missing';
  const text = String(JSON.stringify(value));
  return `got ${text.length <= 40 ? text : `${text.slice(0, 39)}…`}`;
}

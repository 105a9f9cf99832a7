import { VitrinaError } from '../../errors.js';
import type { Scalar, Side, Watched } from './watched.js';

/** As many different values are shares of categories rather than deciles. */
const mostDistinctNumbers = 20;
/** Categories beyond the most frequent are one: other. */
const mostCategories = 50;
const deciles = 10;

interface Binned {
  readonly side: Side;
  readonly name: string;
  /** Observations of the reference by bin; the last bin is that of missing values. */
  readonly counts: readonly number[];
}

/** Bin i holds what is at most `edges[i]` and above the edge before; one more bin what is above the last. */
export interface NumericFeature extends Binned {
  readonly kind: 'numeric';
  readonly edges: readonly number[];
}

/** Bin i holds `values[i]`; one more bin every other value. */
export interface CategoricalFeature extends Binned {
  readonly kind: 'category';
  readonly values: readonly Scalar[];
}

export type ProfiledFeature = NumericFeature | CategoricalFeature;

/** How the inputs and outputs of a version were distributed when it was known to be right. */
export interface Profile {
  readonly format: 1;
  /** Tells profiles apart. */
  readonly id: string;
  readonly model: string;
  readonly version: string;
  /** Of the artefact that the profile belongs to. */
  readonly sha256: string;
  /** ISO 8601. */
  readonly created: string;
  /** Reference rows that somebody gave, or the first that were asked. */
  readonly source: 'reference' | 'live';
  readonly rows: number;
  readonly features: readonly ProfiledFeature[];
}

/** Finds bins for values, and counts them; `undefined` is a missing value. */
export function profileValues(
  { side, name }: Pick<Watched, 'side' | 'name'>,
  values: readonly (Scalar | undefined)[],
): ProfiledFeature {
  const present = values.filter((value) => value !== undefined);
  const missing = values.length - present.length;
  const frequencies = new Map<Scalar, number>();
  for (const value of present) {
    frequencies.set(value, (frequencies.get(value) ?? 0) + 1);
  }
  const numbers = present.every((value) => typeof value === 'number') ? (present as number[]) : undefined;
  if (numbers === undefined || frequencies.size <= mostDistinctNumbers) {
    const frequent = [...frequencies].sort(([, a], [, b]) => b - a).slice(0, mostCategories);
    const counts = frequent.map(([, count]) => count);
    const other = present.length - counts.reduce((sum, count) => sum + count, 0);
    return {
      side,
      name,
      kind: 'category',
      values: frequent.map(([value]) => value),
      counts: [...counts, other, missing],
    };
  }
  const edges = decilesOf(numbers);
  const counts = new Array<number>(edges.length + 2).fill(0);
  for (const number of numbers) counts[binOf(edges, number)]!++;
  counts[edges.length + 1] = missing;
  return { side, name, kind: 'numeric', edges, counts };
}

/** Nearest-rank deciles, each once, without the maximum: no bin of the reference is empty. */
function decilesOf(numbers: readonly number[]): number[] {
  const sorted = Float64Array.from(numbers).sort();
  const edges = new Set<number>();
  for (let i = 1; i < deciles; i++) edges.add(sorted[Math.ceil((i * sorted.length) / deciles) - 1]!);
  edges.delete(sorted.at(-1)!);
  return [...edges].map((edge) => (edge === 0 ? 0 : edge));
}

/** The first bin whose edge is not below `value`. */
export function binOf(edges: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Checks what a file says, against what is watched of the version.
 * Errors: `path-unusable` for anything that `vitrina profile` would not have written.
 */
export function readProfile(path: string, text: string, watched: readonly Watched[]): Profile {
  const fault = (problem: string) =>
    new VitrinaError('path-unusable', { path, problem: `${problem}; make the profile anew` });
  let profile: Profile;
  try {
    profile = JSON.parse(text) as Profile;
  } catch (cause) {
    throw fault(`it is not JSON (${(cause as Error).message.slice(0, 100)})`);
  }
  if (typeof profile !== 'object' || profile === null || profile.format !== 1)
    throw fault('it is no profile of format 1');
  const texts = [profile.id, profile.model, profile.version, profile.sha256, profile.created, profile.source];
  if (!texts.every((value) => typeof value === 'string' && value.length <= 200)) throw fault('it is not complete');
  if (!Number.isSafeInteger(profile.rows) || profile.rows < 1) throw fault('it has no rows');
  if (!Array.isArray(profile.features)) throw fault('it has no features');
  const known = new Set(watched.map(({ side, name }) => `${side} ${name}`));
  for (const feature of profile.features as readonly unknown[]) {
    if (!isFeature(feature)) throw fault('one of its features is damaged');
    if (!known.delete(`${feature.side} ${feature.name}`)) {
      throw fault(`its feature "${feature.name.slice(0, 100)}" is none of the version, or there twice`);
    }
  }
  return profile;
}

function isFeature(value: unknown): value is ProfiledFeature {
  if (typeof value !== 'object' || value === null) return false;
  const { side, name, kind, counts, edges, values } = value as Record<string, unknown>;
  if ((side !== 'input' && side !== 'output') || typeof name !== 'string') return false;
  const bins = kind === 'numeric' ? edges : kind === 'category' ? values : undefined;
  if (!Array.isArray(bins) || bins.length > 1_000 || !Array.isArray(counts)) return false;
  if (counts.length !== bins.length + 2) return false;
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return false;
  return kind === 'numeric'
    ? bins.every((edge, i) => typeof edge === 'number' && (i === 0 || edge > bins[i - 1]))
    : bins.every((entry) => typeof entry === 'number' || typeof entry === 'string');
}

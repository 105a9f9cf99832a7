import type { ReadyVersion } from '../repository/ready-version.js';
import { countsByFeature, type Seen } from './live-counts.js';
import type { Profile, ProfiledFeature } from './profile.js';
import { chanceBound, type DriftLevel, levelOf, stabilityIndex } from './stability-index.js';
import type { Scalar, Side } from './watched.js';

/** The share of a bin in the reference and now. */
interface BinView {
  /** `upTo` is the upper edge of a bin of numbers, nothing for the last; `value` a category; or what the bin is for. */
  readonly upTo?: number | null;
  readonly value?: Scalar;
  readonly other?: true;
  readonly missing?: true;
  readonly reference: number;
  readonly seen: number;
}

export interface FeatureView {
  readonly side: Side;
  readonly name: string;
  readonly kind: ProfiledFeature['kind'];
  /** Population stability index; `null` where nothing has been seen. */
  readonly index: number | null;
  /** What the index reaches by chance in one case of twenty. */
  readonly chance: number | null;
  readonly level: DriftLevel;
  readonly bins: readonly BinView[];
}

export interface DriftView {
  readonly model: string;
  readonly version: string;
  readonly reference: { readonly rows: number; readonly created: string; readonly source: Profile['source'] } | null;
  /** Rows of live traffic on the way to a profile. */
  readonly gathering?: { readonly rows: number; readonly of: number };
  readonly window: { readonly minutes: number; readonly rows: number };
  /** The highest index of an input and of an output. */
  readonly highest: { readonly input: number | null; readonly output: number | null };
  readonly features: readonly FeatureView[];
}

/** Compares the profile with the sum of what the processes have seen. */
export function viewDrift(
  { model, version }: Pick<ReadyVersion, 'model' | 'version'>,
  windowMs: number,
  profile: Profile | undefined,
  all: readonly Seen[],
  gathering?: DriftView['gathering'],
): DriftView {
  const bins = profile?.features.reduce((sum, { counts }) => sum + counts.length, 0) ?? 0;
  const counts = new Float64Array(bins);
  let rows = 0;
  for (const seen of all) {
    rows += seen.rows;
    for (let i = 0; i < bins; i++) counts[i]! += seen.counts[i] ?? 0;
  }
  const features = profile === undefined ? [] : [...countsByFeature(profile, counts)].map(viewFeature);
  const highest = (side: Side) =>
    features.reduce<number | null>(
      (most, feature) => (feature.side === side && feature.index !== null ? Math.max(most ?? 0, feature.index) : most),
      null,
    );
  return {
    model,
    version,
    reference: profile === undefined ? null : { rows: profile.rows, created: profile.created, source: profile.source },
    ...(gathering === undefined ? {} : { gathering }),
    window: { minutes: windowMs / 60_000, rows },
    highest: { input: highest('input'), output: highest('output') },
    features,
  };
}

function viewFeature({ feature, seen }: { feature: ProfiledFeature; seen: Float64Array }): FeatureView {
  const { side, name, kind, counts } = feature;
  const index = stabilityIndex(counts, seen);
  const chance = index === undefined ? undefined : chanceBound(counts, seen);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const now = seen.reduce((sum, count) => sum + count, 0);
  const bins = counts.map((count, i): BinView => {
    const shares = { reference: share(count, total), seen: share(seen[i]!, now) };
    if (i === counts.length - 1) return { missing: true, ...shares };
    if (feature.kind === 'numeric') return { upTo: feature.edges[i] ?? null, ...shares };
    const value = feature.values[i];
    return value === undefined ? { other: true, ...shares } : { value: finite(value), ...shares };
  });
  return {
    side,
    name,
    kind,
    index: index === undefined ? null : round(index),
    chance: chance === undefined ? null : round(chance),
    level: levelOf(index, chance ?? 0),
    bins,
  };
}

const share = (count: number, total: number) => (total === 0 ? 0 : round(count / total));
const round = (value: number) => Number(value.toPrecision(6));
/** JSON has no infinities. */
const finite = (value: Scalar) => (typeof value === 'string' || Number.isFinite(value) ? value : String(value));

/** Caps on what a file may ask for. Every reader takes them; nothing in `formats/` allocates on a file's word alone. */
export interface Limits {
  /** Size of the artefact itself. */
  readonly fileBytes: number;
  /** Bytes that decompression may produce, all streams and entries together. */
  readonly inflatedBytes: number;
  /** How many times its own size a file may inflate to; small files may reach 64 MiB whatever their ratio. */
  readonly inflationRatio: number;
  /** Bytes of one tensor. */
  readonly tensorBytes: number;
  /** Nesting of lists, dictionaries, groups, messages. */
  readonly depth: number;
  /** Objects, entries, attributes or nodes in one artefact. */
  readonly count: number;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;

export const defaultLimits: Limits = Object.freeze({
  fileBytes: 2 * GiB,
  inflatedBytes: 4 * GiB,
  inflationRatio: 32,
  tensorBytes: 2 * GiB,
  depth: 200,
  count: 10_000_000,
});

/** Bytes that a compressed artefact of `size` bytes may inflate to. */
export function inflationCap(size: number, limits: Limits): number {
  return Math.min(limits.inflatedBytes, Math.max(64 * MiB, size * limits.inflationRatio));
}

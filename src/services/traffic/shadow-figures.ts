import type { Comparison, Difference } from './compare-outputs.js';

/** Predictions that differed and are kept as examples. */
const mostExamples = 10;
/** Outputs of one prediction that are shown in its example. */
const mostOutputs = 5;

export interface Example {
  /** ISO 8601. */
  readonly at: string;
  readonly request?: string;
  /** The version that answered. */
  readonly version: string;
  readonly differences: readonly Difference[];
}

/** What came of the copies of requests. Numbers and labels of outputs alone, nothing of inputs. */
export interface ShadowCounts {
  compared: number;
  /** Predictions with an element beyond the tolerance. */
  differing: number;
  /** Rows whose class was another. */
  labelChanges: number;
  /** Copies that the shadow refused or failed, and why, by error code. */
  failed: number;
  failures: Record<string, number>;
  /** Copies not computed: the server had more urgent work, or they were too large. */
  dropped: number;
  /** Largest absolute difference, by output. */
  largest: Record<string, number>;
  /** The last that differed, newest first. */
  examples: Example[];
}

export function noCounts(): ShadowCounts {
  return {
    compared: 0,
    differing: 0,
    labelChanges: 0,
    failed: 0,
    failures: {},
    dropped: 0,
    largest: {},
    examples: [],
  };
}

export function addComparison(counts: ShadowCounts, comparison: Comparison, version: string, request?: string): void {
  counts.compared++;
  counts.labelChanges += comparison.labelChanges;
  addLargest(counts.largest, comparison.largest);
  if (!comparison.differs) return;
  counts.differing++;
  counts.examples.unshift({
    at: new Date().toISOString(),
    ...(request === undefined ? {} : { request }),
    version,
    differences: comparison.differences.slice(0, mostOutputs),
  });
  counts.examples.length = Math.min(counts.examples.length, mostExamples);
}

export function addFailure(counts: ShadowCounts, code: string): void {
  counts.failed++;
  counts.failures[code] = (counts.failures[code] ?? 0) + 1;
}

/** Of several processes, one figure. */
export function sumCounts(all: readonly ShadowCounts[]): ShadowCounts {
  const sum = noCounts();
  for (const counts of all) {
    sum.compared += counts.compared;
    sum.differing += counts.differing;
    sum.labelChanges += counts.labelChanges;
    sum.failed += counts.failed;
    sum.dropped += counts.dropped;
    for (const [code, count] of Object.entries(counts.failures)) sum.failures[code] = (sum.failures[code] ?? 0) + count;
    addLargest(sum.largest, counts.largest);
    sum.examples.push(...counts.examples);
  }
  sum.examples.sort((a, b) => (a.at < b.at ? 1 : -1));
  sum.examples.length = Math.min(sum.examples.length, mostExamples);
  return sum;
}

function addLargest(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [output, distance] of Object.entries(from)) into[output] = Math.max(into[output] ?? 0, distance);
}

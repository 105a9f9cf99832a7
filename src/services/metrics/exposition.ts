/**
 * The text format of Prometheus, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { catalogue, type MetricDefinition, type MetricName } from './catalogue.js';
import { exposed, type Histogram } from './histogram.js';

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Samples by metric and printed labels. Of a histogram, the counts up to each of its bounds, then of all, then the sum;
 * of anything else, the value. Survives `structuredClone`.
 */
export type Samples = Map<MetricName, Family>;
type Family = Map<string, number | readonly number[]>;

export type Labels = Readonly<Record<string, string>>;

/** Collects the samples of one process. A sample that comes twice is summed. */
export class Collector {
  readonly samples: Samples = new Map();

  add(name: MetricName, labels: Labels, value: number): void {
    this.put(name, labels, value);
  }

  /** Milliseconds in, seconds out. */
  addDurations(name: MetricName, labels: Labels, { counts, count, sumMs }: Histogram): void {
    const values: number[] = [];
    let below = 0;
    let next = 0;
    for (const index of exposed) {
      while (next <= index) below += counts[next++]!;
      values.push(below);
    }
    values.push(count, sumMs / 1000);
    this.put(name, labels, values);
  }

  /** @param seen how often each value was seen */
  addValues(name: MetricName, labels: Labels, seen: Iterable<readonly [value: number, count: number]>): void {
    const { bounds = [] } = catalogue[name] as MetricDefinition;
    const values = new Array<number>(bounds.length + 2).fill(0);
    for (const [value, count] of seen) {
      for (let i = 0; i < bounds.length; i++) if (value <= bounds[i]!) values[i]! += count;
      values[bounds.length]! += count;
      values[bounds.length + 1]! += value * count;
    }
    this.put(name, labels, values);
  }

  private put(name: MetricName, labels: Labels, value: number | readonly number[]): void {
    let family = this.samples.get(name);
    if (family === undefined) {
      family = new Map();
      this.samples.set(name, family);
    }
    const key = printLabels(labels);
    const known = family.get(key);
    family.set(key, known === undefined ? value : merge('sum', known, value));
  }
}

function merge(
  rule: MetricDefinition['merge'],
  a: number | readonly number[],
  b: number | readonly number[],
): number | readonly number[] {
  if (typeof a !== 'number') return a.map((value, i) => value + (b as readonly number[])[i]!);
  return rule === 'sum' ? a + (b as number) : Math[rule](a, b as number);
}

/** Without gauges: what stays true of a process that has ended. */
export function counted(samples: Samples): Samples {
  return new Map([...samples].filter(([name]) => catalogue[name].type !== 'gauge'));
}

const ofVersion = /(?:^|,)model="((?:[^"\\]|\\.)*)"(?:,version="((?:[^"\\]|\\.)*)")?/;

/** Without the series of models, and versions, for which `isThere` says no. */
export function keepModels(samples: Samples, isThere: (model: string, version: string) => boolean): Samples {
  const kept = ([key]: [string, unknown]) => {
    const found = ofVersion.exec(key);
    return found === null || isThere(readLabel(found[1]!), readLabel(found[2] ?? ''));
  };
  return new Map([...samples].map(([name, family]) => [name, new Map([...family].filter(kept))]));
}

/** The samples of all processes as those of one server. */
export function mergeSamples(all: readonly Samples[]): Samples {
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return only;
  const merged: Samples = new Map();
  for (const name of Object.keys(catalogue) as MetricName[]) {
    const family: Family = new Map();
    for (const samples of all) {
      for (const [key, value] of samples.get(name) ?? []) {
        const known = family.get(key);
        family.set(key, known === undefined ? value : merge(catalogue[name].merge, known, value));
      }
    }
    if (family.size > 0) merged.set(name, family);
  }
  return merged;
}

/** Series printed in one go; between them, others get their turn. */
const seriesATurn = 500;

/** In the order of the catalogue; metrics without samples are left out. */
export async function printSamples(samples: Samples): Promise<string> {
  const parts: string[] = [];
  let series = 0;
  for (const [name, definition] of Object.entries<MetricDefinition>(catalogue)) {
    const family = samples.get(name as MetricName);
    if (family === undefined) continue;
    const { help, type } = definition;
    parts.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`);
    const bounds = definition.bounds?.map(printNumber);
    for (const [labels, value] of family) {
      parts.push(
        typeof value === 'number' ? printSample(name, labels, value) : printHistogram(name, labels, value, bounds!),
      );
      if (++series % seriesATurn === 0) await nextTurn();
    }
  }
  return parts.join('');
}

const printSample = (name: string, labels: string, value: number) =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${printNumber(value)}\n`;

function printHistogram(name: string, labels: string, values: readonly number[], bounds: readonly string[]): string {
  const before = `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`;
  let text = '';
  for (let i = 0; i < bounds.length; i++) text += `${before}${bounds[i]!}"} ${values[i]!}\n`;
  const [count, sum] = values.slice(bounds.length) as [number, number];
  return `${text}${before}+Inf"} ${count}\n${printSample(`${name}_sum`, labels, sum)}${printSample(`${name}_count`, labels, count)}`;
}

function printLabels(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escapeLabel(labels[name]!)}"`;
  return text;
}

const special = /[\\"\n]/g;

function escapeLabel(value: string): string {
  return value.replace(special, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function readLabel(printed: string): string {
  return printed.replace(/\\(.)/g, (_escape, character: string) => (character === 'n' ? '\n' : character));
}

function printNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

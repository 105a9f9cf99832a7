/**
 * The text format of Prometheus, version 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import { catalogue, type MetricDefinition, type MetricName } from './catalogue.js';
import { boundsMs, exposed, type Histogram } from './histogram.js';

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Samples by metric: the name with its labels as it is printed, and the value. Survives `structuredClone`. */
export type Samples = Map<MetricName, Map<string, number>>;

export type Labels = Readonly<Record<string, string>>;

/** Collects the samples of one process. A sample that comes twice is summed. */
export class Collector {
  readonly samples: Samples = new Map();

  add(name: MetricName, labels: Labels, value: number): void {
    this.put(name, name, labels, value);
  }

  /** Milliseconds in, seconds out. */
  addDurations(name: MetricName, labels: Labels, { counts, count, sumMs }: Histogram): void {
    let below = 0;
    let next = 0;
    for (const index of exposed) {
      while (next <= index) below += counts[next++]!;
      this.put(name, `${name}_bucket`, { ...labels, le: String(boundsMs[index]! / 1000) }, below);
    }
    this.put(name, `${name}_bucket`, { ...labels, le: '+Inf' }, count);
    this.put(name, `${name}_sum`, labels, sumMs / 1000);
    this.put(name, `${name}_count`, labels, count);
  }

  /** `values`: how often each value was seen. */
  addValues(name: MetricName, labels: Labels, bounds: readonly number[], values: Iterable<[number, number]>): void {
    const buckets = bounds.map(() => 0);
    let sum = 0;
    let total = 0;
    for (const [value, count] of values) {
      sum += value * count;
      total += count;
      for (const [index, bound] of bounds.entries()) if (value <= bound) buckets[index]! += count;
    }
    for (const [index, bound] of bounds.entries()) {
      this.put(name, `${name}_bucket`, { ...labels, le: String(bound) }, buckets[index]!);
    }
    this.put(name, `${name}_bucket`, { ...labels, le: '+Inf' }, total);
    this.put(name, `${name}_sum`, labels, sum);
    this.put(name, `${name}_count`, labels, total);
  }

  private put(name: MetricName, printed: string, labels: Labels, value: number): void {
    let family = this.samples.get(name);
    if (family === undefined) {
      family = new Map();
      this.samples.set(name, family);
    }
    const key = printed + printLabels(labels);
    family.set(key, (family.get(key) ?? 0) + value);
  }
}

/** Without gauges: what stays true of a process that has ended. */
export function counted(samples: Samples): Samples {
  return new Map([...samples].filter(([name]) => catalogue[name].type !== 'gauge'));
}

const ofVersion = /[{,]model="((?:[^"\\]|\\.)*)"(?:,version="((?:[^"\\]|\\.)*)")?/;

/** Without the series of models, and versions, for which `isThere` says no. */
export function keepModels(samples: Samples, isThere: (model: string, version: string) => boolean): Samples {
  const kept = ([key]: [string, number]) => {
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
    const { merge } = catalogue[name];
    const family = new Map<string, number>();
    for (const samples of all) {
      for (const [key, value] of samples.get(name) ?? []) {
        const known = family.get(key);
        family.set(key, known === undefined ? value : merge === 'sum' ? known + value : Math[merge](known, value));
      }
    }
    if (family.size > 0) merged.set(name, family);
  }
  return merged;
}

/** In the order of the catalogue; metrics without samples are left out. */
export function printSamples(samples: Samples): string {
  const lines: string[] = [];
  for (const [name, { help, type }] of Object.entries<MetricDefinition>(catalogue)) {
    const family = samples.get(name as MetricName);
    if (family === undefined) continue;
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
    for (const [key, value] of family) lines.push(`${key} ${printNumber(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function printLabels(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escapeLabel(labels[name]!)}"`;
  return text === '' ? '' : `${text}}`;
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

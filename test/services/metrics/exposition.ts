/** A strict reader of Prometheus' text format, for tests: what it takes, Prometheus takes. */

export interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as they are printed. */
  readonly samples: Map<string, number>;
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([^\n]*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;

/** Throws on anything that the specification does not allow, on a series that comes twice, and on broken histograms. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  let current: (Family & { name: string }) | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP (\S+) (.*)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) {
      if (families.has(help[1]!)) throw new Error(`${help[1]} comes twice`);
      current = { name: help[1]!, type: '', help: help[2]!, samples: new Map() };
    } else if (type !== null) {
      if (current === undefined || current.name !== type[1] || current.type !== '')
        throw new Error(`TYPE out of place: ${line}`);
      current = { ...current, type: type[2]! };
      families.set(current.name, current);
    } else readSample(line, current);
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function readSample(line: string, family: (Family & { name: string }) | undefined): void {
  const found = sample.exec(line);
  if (found === null || family === undefined || family.type === '') throw new Error(`not a sample: ${line}`);
  const [, name, , labels, value] = found;
  const names =
    family.type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family.name + end) : [family.name];
  if (!names.includes(name!)) throw new Error(`${name} among those of ${family.name}`);
  const known = new Set<string>();
  label.lastIndex = 0;
  for (let at = 0; labels !== undefined && at < labels.length; at = label.lastIndex) {
    const one = label.exec(labels);
    if (one === null || known.has(one[1]!)) throw new Error(`labels of ${line}`);
    known.add(one[1]!);
  }
  const key = line.slice(0, line.lastIndexOf(' '));
  if (family.samples.has(key)) throw new Error(`${key} comes twice`);
  family.samples.set(key, Number(value!.replace('Inf', 'Infinity')));
}

function checkHistogram(name: string, { samples }: Family): void {
  const last = new Map<string, { bound: number; count: number }>();
  for (const [key, count] of samples) {
    const bucket = /^([^{]*)_bucket\{([^\n]*?),?le="([^"]+)"\}$/.exec(key);
    if (bucket === null) continue;
    const series = bucket[2]!;
    const bound = Number(bucket[3]!.replace('Inf', 'Infinity'));
    const before = last.get(series);
    if (before !== undefined && (bound <= before.bound || count < before.count)) throw new Error(`${key} decreases`);
    last.set(series, { bound, count });
  }
  for (const [series, { bound, count }] of last) {
    const labels = series === '' ? '' : `{${series}}`;
    if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${name}${labels} has no bucket +Inf`);
    if (samples.get(`${name}_count${labels}`) !== count) throw new Error(`${name}${labels}: _count is not +Inf`);
    if (!samples.has(`${name}_sum${labels}`)) throw new Error(`${name}${labels} has no sum`);
  }
}

/** The standings and verdicts as tables, for the terminal and for the README. */
import { compare, findBest, type Line, type Run, rank, type Standing } from './standings.js';
import { findQuicker, judge, type Verdict } from './targets.js';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

const titles: Readonly<Record<string, string>> = {
  linreg: 'Linear model, 13 features',
  knn: 'Nearest neighbours, 5,000 × 13',
  spam: 'tf-idf and naive Bayes, a text',
  lstm: 'LSTM, 20 × 9 → 64 → 32',
  fcv: 'Shock body, 180 records, JWT',
};

/** Three digits that matter. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}

const times = (ratio: number) => `${round(ratio)} ×`;

/** A table of servers for each kind of work, and what was wanted of Vitrina beside them. */
export function makeTables(lines: readonly Line[]): { readonly servers: Table[]; readonly targets: Table } {
  const run = lines.find((line) => line.kind === 'run');
  if (run === undefined) throw new Error('There is no line of the kind "run": this is no output of the benchmark');
  const workloads = [...new Set(lines.flatMap((line) => (line.kind === 'run' ? [] : [line.workload])))];
  const standings = new Map(workloads.map((workload) => [workload, rank(lines, workload)]));
  const servers = workloads.map((workload) => compareServers(workload, standings.get(workload)!, run, lines));
  const verdicts = workloads.flatMap((workload) => judge(workload, standings.get(workload)!));
  const tails = workloads.map((workload) => describeTail(workload, standings.get(workload)!));
  return { servers, targets: compareTargets(verdicts, tails) };
}

/** One line on the run: everything below was measured so. */
export function describeRun({ date, machine, node, version, generator, seconds, rounds, loadAverage }: Run): string {
  const busy = loadAverage > 0.5 ? ` The machine was busy: ${loadAverage.toFixed(1)} processes ran already.` : '';
  return `${date}, ${machine}, Node ${node}, Vitrina ${version}; ${seconds} s a figure by ${generator}, median of ${rounds} interleaved rounds.${busy}`;
}

function compareServers(workload: string, standings: readonly Standing[], run: Run, lines: readonly Line[]): Table {
  const ours = findBest(standings);
  const counts = run.connections.join(' / ');
  const head = [
    'Server',
    `req/s at ${counts}`,
    'p50 ms',
    'p99 ms',
    'CPU ms/req',
    'open loop: req/s',
    'p50 / p99 ms',
    'Vitrina p50 / p99',
    'MB',
    'start s',
    '× req/s',
    '× CPU',
  ];
  const rows = standings.map((one) => {
    const each = (pick: (closed: Standing['closed'][number]) => string) => one.closed.map(pick).join(' / ');
    const rate = one.open.find(({ of }) => of === one.contender);
    const same = ours?.open.find(({ of }) => of === one.contender);
    const ratio = ours === undefined || one.role === 'ours' ? undefined : compare(ours, one);
    const failed = one.closed.reduce((sum, closed) => sum + closed.failed, 0);
    return [
      `${one.contender}${failed > 0 ? ` (${failed} failed)` : ''}`,
      each(({ requestsPerSecond }) => round(requestsPerSecond)),
      each(({ p50, censored }) => `${censored ? '> ' : ''}${round(p50)}`),
      each(({ p99, censored }) => `${censored ? '> ' : ''}${round(p99)}`),
      round(one.leastCpuMs),
      rate === undefined ? '' : round(rate.perSecond),
      rate === undefined ? '' : `${round(rate.p50)} / ${round(rate.p99)}`,
      same === undefined ? '' : `${round(same.p50)} / ${round(same.p99)}`,
      round(one.memoryMb),
      round(one.startMs / 1000),
      ratio === undefined ? '' : times(ratio.requests),
      ratio === undefined ? '' : times(ratio.cpu),
    ];
  });
  const notes = notesOn(workload, standings, lines);
  return withoutEmptyColumns({ title: titles[workload] ?? workload, head, rows, notes });
}

function withoutEmptyColumns({ head, rows, ...table }: Table): Table {
  const filled = (_: string, column: number) => rows.some((row) => row[column] !== '');
  return { ...table, head: head.filter(filled), rows: rows.map((row) => row.filter((_, i) => filled('', i))) };
}

function notesOn(workload: string, standings: readonly Standing[], lines: readonly Line[]): string[] {
  const absent = lines
    .filter((line) => line.kind === 'absence' && line.workload === workload)
    .map((line) => (line.kind === 'absence' ? `Not measured: ${line.contender}, ${line.reason}` : ''));
  const tight = Math.max(0, ...standings.flatMap(({ closed }) => closed.map(({ loadCores }) => loadCores)));
  const load =
    tight > 0.9 ? [`The load generator used up to ${tight.toFixed(2)} cores: it may have been the limit.`] : [];
  const lag = Math.max(0, ...standings.flatMap(({ open }) => open.map(({ lag99 }) => lag99)));
  const late = lag > 5 ? [`In the open loop one request in a hundred was sent ${round(lag)} ms late or more.`] : [];
  return [...new Set(absent), ...load, ...late];
}

interface Tail {
  readonly workload: string;
  readonly found: ReturnType<typeof findQuicker>;
}

const describeTail = (workload: string, standings: readonly Standing[]): Tail => ({
  workload,
  found: findQuicker(standings),
});

function compareTargets(verdicts: readonly Verdict[], tails: readonly Tail[]): Table {
  const ratios = verdicts.map(({ workload, family, least, ratio, holds }) => [
    titles[workload] ?? workload,
    family,
    times(least),
    ratio === undefined ? 'not measured' : times(ratio.requests),
    ratio === undefined ? 'not measured' : times(ratio.cpu),
    holds ? 'yes' : 'no',
  ]);
  const quickest = tails.flatMap(({ workload, found }) => {
    if (found === undefined) return [];
    const { ours, quicker } = found;
    const those = quicker.map(({ contender }) => contender).join(', ');
    return [
      [
        titles[workload] ?? workload,
        'p99 at 16',
        'least of all',
        `${round(ours)} ms`,
        those,
        those === '' ? 'yes' : 'no',
      ],
    ];
  });
  return {
    title: 'Targets',
    head: ['Work', 'Against', 'Wanted', 'req/s', 'CPU', 'Holds'],
    rows: [...ratios, ...quickest],
    notes: [],
  };
}

export function writeText({ title, head, rows, notes }: Table): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [title, line(head), ...rows.map(line), ...notes, ''].join('\n');
}

export function writeMarkdown({ title, head, rows, notes }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  const table = [line(head), line(rule), ...rows.map(line)].join('\n');
  return [`**${title}**`, table, ...notes].join('\n\n');
}

const opening = '<!-- bench:peers -->';
const closing = '<!-- /bench:peers -->';

/** `text` with what stands between the markers replaced. @throws Error when they are not there */
export function replaceBetweenMarkers(text: string, content: string): string {
  const from = text.indexOf(opening);
  const to = text.indexOf(closing);
  if (from < 0 || to < from) throw new Error(`expected the markers ${opening} and ${closing}, in this order`);
  return `${text.slice(0, from + opening.length)}\n\n${content}\n\n${text.slice(to)}`;
}

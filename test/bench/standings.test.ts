import { describe, expect, it } from 'vitest';
import { compareWithFamily, findBest, type Line, rank } from '../../bench/peers/standings.js';
import { makeTables, replaceBetweenMarkers, writeMarkdown, writeText } from '../../bench/peers/tables.js';
import { findQuicker, judge } from '../../bench/peers/targets.js';

const run: Line = {
  kind: 'run',
  date: '2026-01-31',
  machine: '2 cores',
  node: 'v20',
  version: '1.0.0',
  generator: 'wrk',
  seconds: 1,
  rounds: 3,
  connections: [1, 16],
  loadAverage: 0,
};

/** A turn with these requests a second at 1 and 16 connections, and this much processor time a request at both. */
function turn(
  [contender, family, role]: readonly [string, string, 'rival' | 'ceiling' | 'ours'],
  round: number,
  [alone, crowded]: readonly [number, number],
  cpuMsPerRequest: number,
  p99 = 10,
): Line {
  const result = (connections: number, requestsPerSecond: number) => ({
    connections,
    requests: requestsPerSecond,
    requestsPerSecond,
    p50: 1,
    p99,
    failed: 0,
    loadCores: 0.2,
    cpuMsPerRequest,
    serverCores: 1,
    censored: false,
  });
  const closed = [result(1, alone), result(16, crowded)];
  return {
    kind: 'turn',
    workload: 'spam',
    round,
    contender,
    family,
    role,
    startMs: 1000,
    memoryMb: 100,
    processes: 1,
    closed,
    open: [],
  };
}

const one = ['vitrina-w1', 'vitrina', 'ours'] as const;
const two = ['vitrina-w2', 'vitrina', 'ours'] as const;
const slow = ['fastapi-sklearn-w1', 'fastapi-sklearn', 'rival'] as const;
const fast = ['fastapi-sklearn-w2', 'fastapi-sklearn', 'rival'] as const;

describe('rank', () => {
  it('takes the median of the rounds, and the best over the connections', () => {
    const lines = [
      turn(one, 1, [100, 900], 0.3),
      turn(one, 2, [200, 100], 0.1),
      turn(one, 3, [300, 800], 0.2),
      turn(slow, 1, [50, 40], 2),
    ];
    const [ours, rival] = rank(lines, 'spam');
    expect(ours).toMatchObject({ contender: 'vitrina-w1', rounds: 3, bestPerSecond: 800, leastCpuMs: 0.2 });
    expect(rival).toMatchObject({ contender: 'fastapi-sklearn-w1', bestPerSecond: 50 });
    expect(rank(lines, 'knn')).toEqual([]);
  });
});

describe('judge', () => {
  const lines = [
    turn(one, 1, [5000, 6000], 0.1),
    turn(two, 1, [4000, 9000], 0.12),
    turn(slow, 1, [300, 400], 1.2),
    turn(fast, 1, [500, 600], 1.8),
  ];

  it('sets our best number of workers against the best of each family in each figure', () => {
    const standings = rank(lines, 'spam');
    const ours = findBest(standings)!;
    expect(ours.contender).toBe('vitrina-w2');
    const ratio = compareWithFamily(standings, ours, 'fastapi-sklearn')!;
    expect(ratio.requests).toBeCloseTo(9000 / 600);
    expect(ratio.cpu).toBeCloseTo(1.2 / 0.12);
    expect(compareWithFamily(standings, ours, 'kserve')).toBeUndefined();
  });

  it('holds only what holds in requests and in processor time', () => {
    expect(judge('spam', rank(lines, 'spam'))).toMatchObject([{ least: 15, holds: false }]);
    const cheaper = [
      ...lines.filter((line) => line.kind === 'turn' && line.role !== 'ours'),
      turn(two, 1, [1, 9000], 0.08),
    ];
    expect(judge('spam', rank(cheaper, 'spam'))).toMatchObject([{ holds: true }]);
    const fewer = [...cheaper.slice(0, 2), turn(two, 1, [1, 8999], 0.08)];
    expect(judge('spam', rank(fewer, 'spam'))).toMatchObject([{ holds: false }]);
  });

  it('holds nothing that was not measured', () => {
    const alone = rank(lines.slice(0, 2), 'spam');
    expect(judge('spam', alone)).toMatchObject([{ ratio: undefined, holds: false }]);
  });

  it('names the rivals that answer sooner at 16 connections, also those that are level', () => {
    const standings = rank(
      [turn(one, 1, [1, 2], 1, 10), turn(slow, 1, [1, 2], 1, 10), turn(fast, 1, [1, 2], 1, 11)],
      'spam',
    );
    expect(findQuicker(standings)?.quicker.map(({ contender }) => contender)).toEqual(['fastapi-sklearn-w1']);
  });
});

describe('tables', () => {
  const absent: Line = {
    kind: 'absence',
    workload: 'spam',
    round: 1,
    contender: 'kserve',
    family: 'kserve',
    reason: 'it ended while it started: no module',
  };
  const { servers, targets } = makeTables([
    run,
    turn(one, 1, [5000, 6000], 0.1),
    turn(slow, 1, [300, 400], 1.2),
    absent,
  ]);

  it('name every server, and those that could not take part with the reason', () => {
    const text = writeText(servers[0]!);
    expect(text).toContain('vitrina-w1');
    expect(text).toMatch(/fastapi-sklearn-w1 .*15\.0 × +12\.0 ×/);
    expect(text).toContain('Not measured: kserve, it ended while it started: no module');
  });

  it('have no column that says nothing', () => {
    const [{ head, rows }] = servers as [(typeof servers)[number]];
    expect(head.filter((_, column) => rows.every((row) => row[column] === ''))).toEqual([]);
    expect(head.length).toBe(rows[0]!.length);
  });

  it('say of each target whether it holds', () => {
    expect(targets.rows).toContainEqual([
      'tf-idf and naive Bayes, a text',
      'fastapi-sklearn',
      '15.0 ×',
      '15.0 ×',
      '12.0 ×',
      'no',
    ]);
  });

  it('replace what stands between the markers, and nothing else', () => {
    const text = 'above\n<!-- bench:peers -->\nold\n<!-- /bench:peers -->\nbelow\n';
    const once = replaceBetweenMarkers(text, writeMarkdown(servers[0]!));
    expect(once).toMatch(/^above\n<!-- bench:peers -->\n[\s\S]*vitrina-w1[\s\S]*<!-- \/bench:peers -->\nbelow\n$/);
    expect(once).not.toContain('old');
    expect(replaceBetweenMarkers(once, writeMarkdown(servers[0]!))).toBe(once);
    expect(() => replaceBetweenMarkers('no markers', '')).toThrow('<!-- bench:peers -->');
  });

  it('refuse lines without a run', () => {
    expect(() => makeTables([absent])).toThrow('"run"');
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBody } from '../../../src/apps/shock/body.js';
import { buildWindows, modelSignals, type Outcome, type WindowPlan } from '../../../src/apps/shock/window.js';
import { bodyOf, plan, type Reading, readingsOf } from './bodies.js';

interface Golden {
  name: string;
  rows: number;
  body: unknown;
  patients: number[];
  scaler: { mean: number[]; scale: number[] };
  raw: number[][];
  stored: number[][];
  request: number[][];
}

const goldens = JSON.parse(
  readFileSync(new URL('../../fixtures/shock/windows.json', import.meta.url), 'utf8'),
) as Golden[];

const none = new Float64Array(9);
const identity = { offset: none, scale: Float64Array.from({ length: 9 }, () => 1), mean: none };

describe.each(goldens)('as pandas and scikit-learn: $name', (golden) => {
  const run = (scaler: WindowPlan['scaler']) =>
    buildWindows(parseBody(golden.body), { signals: modelSignals, rows: golden.rows, scaler, impute: 'refuse' });

  it('pivots, sorts and fills', () => {
    const windows = run(identity);
    expect(windows.outcomes.map((outcome) => outcome.idAtencion)).toEqual(golden.patients);
    expect([...windows.data]).toEqual(golden.raw.flat().map(Math.fround));
  });

  it('scales with the stored scaler', () => {
    const { mean, scale } = golden.scaler;
    expect([...run({ offset: mean, scale, mean }).data]).toEqual(golden.stored.flat());
  });

  it('fits a scaler on the request', () => {
    expect([...run('request').data]).toEqual(golden.request.flat());
  });
});

function runOn(readings: readonly Reading[], changes: Partial<WindowPlan> = {}, form: 'scalar' | 'column' = 'scalar') {
  return buildWindows(parseBody(JSON.parse(JSON.stringify(bodyOf(readings, form)))), { ...plan, ...changes });
}

function problemOf(outcome: Outcome | undefined) {
  if (outcome === undefined || !('problems' in outcome)) throw new Error('the patient was served');
  return outcome.problems[0]!;
}

describe('refusals name the patient, the signal and the numbers', () => {
  const good = readingsOf(77, 4);
  const withChange = (index: number, change: Partial<Reading>) =>
    good.map((reading, i) => (i === index ? { ...reading, ...change } : reading));

  it.each([null, 'NaN', '36.6', 'Infinity', true, {}, [1]])('a value of %j', (value) => {
    const problem = problemOf(runOn(withChange(7, { value })).outcomes[0]);
    expect(problem.type).toBe('finite_number');
    expect(problem.loc).toEqual(['body', 'valor', 7]);
    expect(problem.msg).toMatch(/^Patient 77, signal MDC_TEMP, record "7": .* no finite number/);
  });

  it('a value that JSON reads as infinite, or that single precision cannot hold', () => {
    const text = JSON.stringify(bodyOf(good)).replace('"7":7', '"7":1e400');
    expect(problemOf(buildWindows(parseBody(JSON.parse(text)), plan).outcomes[0]).msg).toMatch(/Infinity is no finite/);
    expect(problemOf(runOn(withChange(7, { value: 1e39 })).outcomes[0]).msg).toMatch(/MDC_TEMP: 1e\+39 is beyond/);
    const tiny = { ...identity, scale: new Float64Array(9).fill(1e-39) };
    expect(problemOf(runOn(good, { scaler: tiny }).outcomes[0]).msg).toMatch(/signal MDC_ECG_HEART_RATE: 1 is beyond/);
  });

  it('a date that no calendar has', () => {
    const problem = problemOf(runOn(withChange(7, { time: '31/02/2024 10:00:00' })).outcomes[0]);
    expect(problem.type).toBe('datetime_parsing');
    expect(problem.msg).toMatch(
      /Patient 77, signal MDC_TEMP, record "7": the date "31\/02\/2024 10:00:00" cannot be read/,
    );
  });

  it('a name that is no string', () => {
    const body = bodyOf(good);
    const outcome = buildWindows(parseBody({ ...body, nomSigno: { ...(body.nomSigno as object), 3: 5 } }), plan)
      .outcomes[0];
    expect(problemOf(outcome).msg).toMatch(/Patient 77, record "3": nomSigno .* found 5/);
  });

  it('too few rows', () => {
    const problem = problemOf(runOn(readingsOf(77, 3)).outcomes[0]);
    expect(problem.type).toBe('too_few_rows');
    expect(problem.msg).toMatch(/Patient 77 has 3 of the 4 rows/);
  });

  it('a signal never seen in the window, though it was before it', () => {
    const readings = readingsOf(77, 6).filter((r) => r.signal !== 'MDC_TEMP' || r.time === 1_700_000_000);
    const other = { patient: 77, signal: 'MDC_PULS_OXIM_SAT_O2', value: 97, time: 1_700_000_000 };
    const problem = problemOf(runOn([...readings, other]).outcomes[0]);
    expect(problem.type).toBe('missing_signal');
    expect(problem.msg).toMatch(
      /Patient 77: signal MDC_TEMP has no value in the last 4 rows \(ignored.*"MDC_PULS_OXIM_SAT_O2"\)/,
    );
  });

  it('a fault of one patient leaves the others served', () => {
    const readings = [...readingsOf(1, 4), ...readingsOf(2, 3), ...readingsOf(3, 4)];
    const windows = runOn(readings, {}, 'column');
    expect(windows.count).toBe(2);
    expect(windows.outcomes.map((outcome) => ('position' in outcome ? outcome.position : -1))).toEqual([0, -1, 1]);
    expect(windows.data.length).toBe(2 * 4 * 9);
  });
});

describe('impute: mean', () => {
  const readings = readingsOf(77, 4).filter((reading) => reading.signal !== 'MDC_TEMP');

  it('puts the stored mean in and says so', () => {
    const scaler = { ...identity, mean: Float64Array.from({ length: 9 }, (_, i) => i + 0.5) };
    const windows = runOn(readings, { scaler, impute: 'mean' });
    expect(windows.outcomes[0]).toEqual({ idAtencion: 77, position: 0, imputed: ['MDC_TEMP'] });
    expect([7, 16, 25, 34].map((at) => windows.data[at])).toEqual([7.5, 7.5, 7.5, 7.5]);
  });

  it('has no mean to take where the scaler is fitted on the request', () => {
    expect(problemOf(runOn(readings, { scaler: 'request', impute: 'mean' }).outcomes[0]).type).toBe('missing_signal');
  });
});

const wardReadings = fc
  .array(
    fc.record({
      patient: fc.integer({ min: 1, max: 3 }),
      signal: fc.constantFrom(...modelSignals),
      value: fc.integer({ min: -1000, max: 1000 }).map((units) => units / 8),
      time: fc.integer({ min: 0, max: 7 }).map((step) => 1_700_000_000 + 300 * step),
    }),
    { maxLength: 60 },
  )
  // Patient 1 is always whole, so that there is a window to compare.
  .map((readings): Reading[] => [...readingsOf(1, 4), ...readings]);

/** What each patient's outcome is, free of the order in which patients come. */
function windowsByPatient(readings: readonly Reading[]) {
  const windows = runOn(readings, {}, 'column');
  const size = plan.rows * plan.signals.length;
  return new Map(
    windows.outcomes.map((outcome) => [
      outcome.idAtencion,
      'position' in outcome
        ? [...windows.data.subarray(outcome.position * size, (outcome.position + 1) * size)]
        : outcome.problems[0]!.type,
    ]),
  );
}

describe('laws', () => {
  it('the order of the records changes nothing', () => {
    const shuffled = wardReadings.chain((readings) =>
      fc.tuple(fc.constant(readings), fc.shuffledSubarray(readings, { minLength: readings.length })),
    );
    fc.assert(
      fc.property(shuffled, ([readings, other]) => {
        expect(Object.fromEntries(windowsByPatient(other))).toEqual(Object.fromEntries(windowsByPatient(readings)));
      }),
      { numRuns: 300 },
    );
  });

  it('a window does not depend on the other patients', () => {
    fc.assert(
      fc.property(wardReadings, (readings) => {
        const together = windowsByPatient(readings);
        for (const patient of together.keys()) {
          const alone = windowsByPatient(readings.filter((reading) => reading.patient === patient));
          expect(alone.get(patient)).toEqual(together.get(patient));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('records of other signals change nothing, whenever they are', () => {
    const other = fc.array(
      fc.record({ patient: fc.constant(1), signal: fc.string(), value: fc.jsonValue(), time: fc.nat() }),
    );
    fc.assert(
      fc.property(wardReadings, other, (readings, extra) => {
        const ignored = extra.filter((reading) => !modelSignals.includes(reading.signal as never));
        expect(windowsByPatient([...readings, ...ignored]).get(1)).toEqual(windowsByPatient(readings).get(1));
      }),
      { numRuns: 200 },
    );
  });

  it('every value is the mean of its duplicates, or else the last known', () => {
    fc.assert(
      fc.property(wardReadings, (readings) => {
        const mine = readings.filter((reading) => reading.patient === 1);
        const times = [...new Set(mine.map((reading) => reading.time as number))].sort((a, b) => a - b).slice(-4);
        const expected = times.map((time) =>
          modelSignals.map((signal) => {
            const values = mine.filter((r) => r.time === time && r.signal === signal).map((r) => r.value as number);
            return values.length > 0 ? values.reduce((a, b) => a + b) / values.length : Number.NaN;
          }),
        );
        const window = windowsByPatient(readings).get(1);
        if (typeof window === 'string') {
          expect(modelSignals.some((_, column) => expected.every((row) => Number.isNaN(row[column]!)))).toBe(true);
          return;
        }
        for (const [row, values] of expected.entries()) {
          for (const [column, value] of values.entries()) {
            const known = expected.slice(0, row + 1).findLast((earlier) => !Number.isNaN(earlier[column]!));
            const first = expected.find((later) => !Number.isNaN(later[column]!));
            const wanted = Number.isNaN(value) ? (known ?? first)![column]! : value;
            expect(window![row * 9 + column]).toBe(Math.fround(wanted));
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

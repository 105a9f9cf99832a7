/** Quotas beside a model of them: whatever is taken, settled, given back or left by processes that die, in any order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Quotas, type Reservation, type SettledRecord } from '../../src/services/quotas/index.js';
import type { Storage } from '../../src/storage/index.js';
import { sqlite } from '../databases.js';

const subjects = ['key:1', 'key:2'] as const;
const processes = 3;
const limits = { monthly: 12, daily: 7 };
/** How long a reservation stands, milliseconds. */
const lease = 2 * 3_600_000;
/** How long counters stay after their period. */
const kept = 2 * lease;

interface Held {
  readonly reservation: Reservation;
  readonly subject: string;
  readonly day: string;
  readonly month: string;
  readonly units: number;
  readonly until: number;
  swept: boolean;
}

interface Real {
  readonly storage: Storage;
  readonly quotas: readonly Quotas[];
  readonly clock: { now: number };
}

/** What should be: units used by `subject period`, and what nobody has settled or given back. */
interface Model {
  readonly used: Map<string, number>;
  readonly held: Held[];
  records: number;
}

const usedOf = (model: Model, subject: string, period: string) => model.used.get(`${subject} ${period}`) ?? 0;
function add(model: Model, { subject, day, month }: Pick<Held, 'subject' | 'day' | 'month'>, units: number): void {
  for (const period of [day, month]) {
    const key = `${subject} ${period}`;
    model.used.set(key, usedOf(model, subject, period) + units);
  }
}
function fits(model: Model, { subject, day, month }: Pick<Held, 'subject' | 'day' | 'month'>, units: number): boolean {
  return usedOf(model, subject, day) + units <= limits.daily && usedOf(model, subject, month) + units <= limits.monthly;
}

/** A row, as apps write one. */
const recordOf = (id: string, fails: boolean): SettledRecord => ({
  write: async (db) => {
    await db.insertInto('settings').values({ name: id, value: '', created_at: 0 }).execute();
    if (fails) throw new Error('The record cannot be written');
  },
  undo: async (db) => {
    const { numDeletedRows } = await db.deleteFrom('settings').where('name', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  },
});

type Step = (model: Model, real: Real) => Promise<void>;

const code = (error: unknown) => (error as { code?: string }).code;

const take =
  (subject: string, units: number, process: number): Step =>
  async (model, { quotas, clock }) => {
    const date = new Date(clock.now).toISOString();
    const periods = { subject, day: `day:${date.slice(0, 10)}`, month: `month:${date.slice(0, 7)}` };
    const expected = fits(model, periods, units);
    try {
      const reservation = await quotas[process]!.take(subject, limits, units);
      expect(expected).toBe(true);
      add(model, periods, units);
      expect(reservation.used).toBe(usedOf(model, subject, periods.month));
      model.held.push({ ...periods, reservation, units, until: clock.now + lease, swept: false });
    } catch (error) {
      expect([code(error), expected]).toEqual(['quota-exceeded', false]);
    }
  };

/** Takes one of those that are held out of the model. */
const pick = (model: Model, which: number) => model.held.splice(which % Math.max(1, model.held.length), 1)[0];

const giveBack =
  (which: number): Step =>
  async (model) => {
    const one = pick(model, which);
    if (one === undefined) return;
    await one.reservation.giveBack();
    if (!one.swept) add(model, one, -one.units);
  };

const settle =
  (which: number, record: 'none' | 'written' | 'failing'): Step =>
  async (model) => {
    const one = pick(model, which);
    if (one === undefined) return;
    const { reservation, units, swept } = one;
    if (record === 'none') return reservation.settle();
    // Beyond its lease it takes its units once more, if there still are as many.
    const again = swept && fits(model, one, units);
    const expected = record === 'written' && (!swept || again);
    const outcome = await reservation.settle(recordOf(reservation.id, record === 'failing')).then(
      () => true,
      () => false,
    );
    expect(outcome).toBe(expected);
    if (outcome) model.records++;
    if (outcome && again) add(model, one, units);
    if (!outcome && !swept) add(model, one, -units);
  };

const pass =
  (ms: number): Step =>
  async (_model, { clock }) => {
    clock.now += ms;
  };

const sweep =
  (process: number): Step =>
  async (model, { quotas, clock }) => {
    await quotas[process]!.sweep();
    for (const one of model.held) {
      if (one.swept || one.until >= clock.now) continue;
      one.swept = true;
      add(model, one, -one.units);
    }
    for (const key of model.used.keys()) if (endOf(key.split(' ')[1]!) + kept < clock.now) model.used.delete(key);
  };

/** When a period ends, epoch milliseconds. */
function endOf(period: string): number {
  const [year, month, day] = period.split(':')[1]!.split('-').map(Number);
  return day === undefined ? Date.UTC(year!, month!, 1) : Date.UTC(year!, month! - 1, day + 1);
}

const which = fc.nat(40);
const process = fc.nat(processes - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...subjects), fc.integer({ min: 1, max: 4 }), process).map((of) => take(...of)),
  },
  { weight: 2, arbitrary: which.map(giveBack) },
  { weight: 4, arbitrary: fc.tuple(which, fc.constantFrom('none', 'written', 'failing')).map((of) => settle(...of)) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 5 * 3_600_000 }).map(pass) },
  { weight: 1, arbitrary: process.map(sweep) },
);

describe('any history of takes, settlements, give-backs, deaths and sweeps', () => {
  it('leaves counted what was taken and not given back, and never more than the limits', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (history) => {
        const database = await sqlite.fresh();
        const storage = await database.open();
        // A day before the month's end, so that both calendars turn.
        const clock = { now: Date.parse('2026-11-29T22:00:00Z') };
        const quotas = Array.from({ length: processes }, () => new Quotas(storage, 'UTC', () => clock.now));
        const model: Model = { used: new Map(), held: [], records: 0 };
        try {
          for (const step of history) {
            await step(model, { storage, quotas, clock });
            await compare(model, storage);
          }
          clock.now += lease + 1;
          await sweep(0)(model, { storage, quotas, clock });
          await compare(model, storage);
          expect(await storage.db.selectFrom('quota_reservations').selectAll().execute()).toEqual([]);
        } finally {
          for (const one of quotas) await one.close();
          await database.remove();
        }
      }),
      { numRuns: 40 },
    );
  });
});

async function compare(model: Model, storage: Storage): Promise<void> {
  const counters = await storage.db.selectFrom('quota_counters').selectAll().execute();
  const units = (entries: [string, number][]) => new Map(entries.filter(([, used]) => used !== 0).sort());
  expect(units(counters.map(({ subject, period, used }) => [`${subject} ${period}`, used]))).toEqual(
    units([...model.used]),
  );
  for (const { period, used } of counters) {
    expect(used).toBeGreaterThanOrEqual(0);
    expect(used).toBeLessThanOrEqual(period.startsWith('day') ? limits.daily : limits.monthly);
  }
  const reserved = await storage.db.selectFrom('quota_reservations').select('id').distinct().execute();
  expect(reserved).toHaveLength(model.held.filter(({ swept }) => !swept).length);
  const records = await storage.db.selectFrom('settings').select('name').execute();
  expect(records).toHaveLength(model.records);
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Limits } from '../../src/services/quotas/index.js';
import { Quotas } from '../../src/services/quotas/index.js';
import type { Storage } from '../../src/storage/index.js';
import { databases, type TestDatabase } from '../databases.js';

const month = (monthly: number): Limits => ({ monthly, daily: null, rate: null });

let database: TestDatabase;
let storage: Storage;
let now: number;
const opened: Quotas[] = [];

const open = (timeZone = 'UTC') => {
  const quotas = new Quotas(storage, timeZone, () => now);
  opened.push(quotas);
  return quotas;
};
const reservations = () => storage.db.selectFrom('quota_reservations').selectAll().execute();

describe.each(databases)('on $kind', ({ fresh }) => {
  beforeEach(async () => {
    database = await fresh();
    storage = await database.open();
    now = Date.parse('2026-11-21T12:00:00Z');
  });

  afterEach(async () => {
    for (const quotas of opened.splice(0)) await quotas.close();
    await database.remove();
  });

  describe('calendar quotas', () => {
    it('let through exactly as many as there are, of any number at once and from any number of processes', async () => {
      const processes = [open(), open(), open()];
      const takes = Array.from({ length: 100 }, (_, i) => processes[i % 3]!.take('key:1', month(10), 1));
      const outcomes = await Promise.allSettled(takes);
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(won.map(({ used }) => used).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const refused = outcomes.find((outcome) => outcome.status === 'rejected');
      expect(refused!.reason).toMatchObject({
        code: 'quota-exceeded',
        status: 429,
        fields: { kind: 'month', limit: 10, units: 1, until: '2026-12-01T00:00:00.000Z' },
        headers: { 'Retry-After': String(9.5 * 86_400) },
      });
      for (const unit of won) await unit.settle();
      expect(await processes[0]!.used('key:1', 'month')).toBe(10);
      expect(await reservations()).toEqual([]);
    });

    it('give a unit back once, however often they are told', async () => {
      const quotas = open();
      const unit = await quotas.take('key:1', month(10), 3);
      expect(await quotas.used('key:1', 'month')).toBe(3);
      await Promise.all([unit.giveBack(), unit.giveBack()]);
      await unit.giveBack();
      expect(await quotas.used('key:1', 'month')).toBe(0);
      expect(await reservations()).toEqual([]);
    });

    it('take of both calendars or of none', async () => {
      const quotas = open();
      const limits = { monthly: 5, daily: 3, rate: null };
      await (await quotas.take('key:1', limits, 2)).settle();
      await expect(quotas.take('key:1', limits, 2)).rejects.toMatchObject({ fields: { kind: 'day', limit: 3 } });
      expect([await quotas.used('key:1', 'day'), await quotas.used('key:1', 'month')]).toEqual([2, 2]);
      now += 86_400_000;
      await (await quotas.take('key:1', limits, 3)).settle();
      now += 86_400_000;
      await expect(quotas.take('key:1', limits, 1)).rejects.toMatchObject({ fields: { kind: 'month', limit: 5 } });
      expect([await quotas.used('key:1', 'day'), await quotas.used('key:1', 'month')]).toEqual([0, 5]);
      const unit = await quotas.take('key:2', limits, 3);
      await unit.giveBack();
      expect([await quotas.used('key:2', 'day'), await quotas.used('key:2', 'month')]).toEqual([0, 0]);
    });

    it.each([
      ['UTC', '2026-12-01T00:00:00Z'],
      ['America/Sao_Paulo', '2026-12-01T03:00:00Z'],
      ['Pacific/Kiritimati', '2026-11-30T10:00:00Z'],
      ['Asia/Kathmandu', '2026-11-30T18:15:00Z'],
    ])('begin anew with the month in %s', async (timeZone, turn) => {
      const quotas = open(timeZone);
      now = Date.parse(turn) - 1;
      await (await quotas.take('key:1', month(1), 1)).settle();
      await expect(quotas.take('key:1', month(1), 1)).rejects.toMatchObject({
        fields: { until: new Date(turn).toISOString() },
      });
      now++;
      expect((await quotas.take('key:1', month(1), 1)).used).toBe(1);
    });

    it('give back to the month in which it was taken', async () => {
      const quotas = open();
      now = Date.parse('2026-11-30T23:59:59Z');
      const unit = await quotas.take('key:1', month(1), 1);
      now += 2_000;
      await (await quotas.take('key:1', month(1), 1)).settle();
      await unit.giveBack();
      expect(await quotas.used('key:1', 'month')).toBe(1);
      now -= 2_000;
      expect(await quotas.used('key:1', 'month')).toBe(0);
    });

    it('record with the units, both or neither', async () => {
      const quotas = open();
      const unit = await quotas.take('spam:1', month(10), 1);
      const failing = { write: () => Promise.reject(new Error('no')), undo: async () => false };
      await expect(unit.settle(failing)).rejects.toThrow('no');
      expect(await quotas.used('spam:1', 'month')).toBe(0);
      // The commit came through, and the answer to it did not.
      const lost = await quotas.take('spam:1', month(10), 1);
      let written = 0;
      await lost.settle({
        write: async () => void written++,
        undo: async () => false,
      });
      expect([written, await quotas.used('spam:1', 'month')]).toEqual([1, 1]);
    });

    it('take back what a process left that died, when its time is over', async () => {
      const quotas = open();
      await quotas.take('key:1', month(10), 4);
      await quotas.sweep();
      expect(await quotas.used('key:1', 'month')).toBe(4);
      now += 3 * 3_600_000;
      await open().sweep();
      expect(await quotas.used('key:1', 'month')).toBe(0);
      now += 60 * 86_400_000;
      await quotas.sweep();
      expect(await storage.db.selectFrom('quota_counters').selectAll().execute()).toEqual([]);
    });
  });

  describe('rate limits', () => {
    it('count within a window that slides', async () => {
      const quotas = open();
      const rate = { requests: 10, seconds: 60 };
      const passes = async (count: number) => {
        const outcomes = await Promise.allSettled(Array.from({ length: count }, () => quotas.pass('key:1', rate)));
        return outcomes.filter(({ status }) => status === 'fulfilled').length;
      };
      now = Date.parse('2026-11-21T12:00:00Z');
      expect(await passes(30)).toBe(10);
      // Half a minute into the next one, half of what the last one used still counts.
      now += 90_000;
      expect(await passes(30)).toBe(5);
      now += 120_000;
      expect(await passes(30)).toBe(10);
    });

    it('say when there is room again, and there is, and not before', async () => {
      const quotas = open();
      for (const rate of [
        { requests: 1, seconds: 1 },
        { requests: 3, seconds: 10 },
        { requests: 7, seconds: 60 },
      ]) {
        for (let i = 0; i < 40; i++) {
          const refusal = await quotas.pass('key:1', rate).catch((error: unknown) => error);
          if (refusal === undefined) {
            now += 137 * (i % 7);
            continue;
          }
          const seconds = Number((refusal as { headers: Record<string, string> }).headers['Retry-After']);
          expect(seconds).toBeLessThanOrEqual(2 * rate.seconds);
          now += seconds * 1000;
          await quotas.pass('key:1', rate);
        }
        now += 3_600_000;
      }
    });
  });
});

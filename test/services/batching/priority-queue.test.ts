import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Priority, priorities } from '../../../src/services/batching/priority.js';
import { PriorityQueue, yieldMs } from '../../../src/services/batching/priority-queue.js';

interface Item {
  readonly id: number;
  readonly arrived: number;
  readonly priority: Priority;
  readonly rows: number;
}

const anyItem = fc.record({
  priority: fc.constantFrom(...priorities),
  rows: fc.integer({ min: 1, max: 9 }),
  gap: fc.integer({ min: 0, max: 40 }),
});

describe('PriorityQueue', () => {
  it('loses nothing, gives nothing twice, counts its rows, and keeps the order of each priority', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyItem, fc.constant('shift' as const)), { maxLength: 3000 }), (steps) => {
        const queue = new PriorityQueue<Item>();
        const waiting = new Map<number, Item>();
        const last: Record<Priority, number> = { high: -1, normal: -1, low: -1 };
        let now = 0;
        let id = 0;
        const shift = () => {
          const next = queue.peek(now);
          const item = queue.shift(now);
          expect(item).toBe(next);
          if (item === undefined) return;
          expect(waiting.delete(item.id)).toBe(true);
          expect(item.id).toBeGreaterThan(last[item.priority]);
          last[item.priority] = item.id;
        };
        for (const step of steps) {
          if (step === 'shift') shift();
          else {
            now += step.gap;
            const item = { id: id++, arrived: now, priority: step.priority, rows: step.rows };
            queue.push(item);
            waiting.set(item.id, item);
          }
          expect(queue.length).toBe(waiting.size);
        }
        expect(queue.rows).toBe([...waiting.values()].reduce((sum, { rows }) => sum + rows, 0));
        while (queue.length > 0) shift();
        expect(waiting.size).toBe(0);
        expect(queue.shift(now)).toBeUndefined();
      }),
    );
  });

  it('lets the urgent go first', () => {
    const queue = new PriorityQueue<Item>();
    priorities.toReversed().forEach((priority, id) => {
      queue.push({ id, arrived: id, priority, rows: 1 });
    });
    expect([1, 2, 3].map(() => queue.shift(5)!.priority)).toEqual(['high', 'normal', 'low']);
  });

  it('lets nobody wait for ever behind the urgent, who get seven places in eight', () => {
    const queue = new PriorityQueue<Item>();
    queue.push({ id: 0, arrived: 0, priority: 'low', rows: 1 });
    queue.push({ id: 1, arrived: 0, priority: 'normal', rows: 1 });
    for (let id = 2; id < 100; id++) queue.push({ id, arrived: 0, priority: 'high', rows: 1 });
    const before = Array.from({ length: 20 }, () => queue.shift(yieldMs.normal / 2)!.priority);
    expect(new Set(before)).toEqual(new Set(['high']));
    const after = Array.from({ length: 17 }, () => queue.shift(yieldMs.low + 1)!.priority);
    expect(after.filter((priority) => priority !== 'high')).toEqual(['normal', 'low']);
  });

  it('gives up the newest of the least urgent, and leaves each priority its share', () => {
    const queue = new PriorityQueue<Item>();
    (['low', 'low', 'normal', 'low', 'high'] as const).forEach((priority, id) => {
      queue.push({ id, arrived: id, priority, rows: 1 });
    });
    expect(queue.rowsBelow('high', 1)).toBe(2);
    expect(queue.popBelow('high', 1)!.id).toBe(3);
    expect(queue.popBelow('high', 1)!.id).toBe(1);
    expect(queue.popBelow('high', 1)).toBeUndefined();
    expect(queue.popBelow('high', 0)!.id).toBe(0);
    expect(queue.popBelow('high', 0)!.id).toBe(2);
    expect(queue.popBelow('high', 0)).toBeUndefined();
    expect([queue.length, queue.rows]).toEqual([1, 1]);
  });

  it('sweeps out what nobody wants, wherever it stands', () => {
    const queue = new PriorityQueue<Item>();
    for (let id = 0; id < 9; id++) queue.push({ id, arrived: id, priority: priorities[id % 3]!, rows: 2 });
    expect(queue.sweep(({ id }) => id % 2 === 0).map(({ id }) => id)).toEqual([0, 6, 4, 2, 8]);
    expect([queue.length, queue.rows]).toEqual([4, 8]);
    expect([1, 2, 3, 4].map(() => queue.shift(0)!.id)).toEqual([3, 1, 7, 5]);
  });
});

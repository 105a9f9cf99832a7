import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Limiter } from '../../../src/services/accounts/limiter.js';

const overflow = () => new Error('full');

describe('the limiter', () => {
  it('runs so many at a time, keeps so many waiting, and refuses the rest', async () => {
    const limiter = new Limiter({ running: 2, waiting: 3, overflow });
    let running = 0;
    let most = 0;
    const task = async () => {
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => limiter.run(task)));
    expect(most).toBe(2);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    await limiter.run(task);
    expect(running).toBe(0);
  });

  it('frees the place of a task that fails', async () => {
    const limiter = new Limiter({ running: 1, waiting: 0, overflow });
    await expect(limiter.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await limiter.run(async () => 7)).toBe(7);
  });

  it('lets urgent tasks go first, and keeps their line free of the others', async () => {
    const limiter = new Limiter({ running: 1, waiting: 2, overflow });
    const order: string[] = [];
    const add = (name: string, urgent: boolean) =>
      limiter.run(async () => {
        await sleep(1);
        order.push(name);
      }, urgent);
    const first = add('first', false);
    const strangers = [add('stranger 1', false), add('stranger 2', false)];
    await expect(add('stranger 3', false)).rejects.toThrow('full');
    await Promise.all([first, ...strangers, add('known', true)]);
    expect(order).toEqual(['first', 'known', 'stranger 1', 'stranger 2']);
  });
});

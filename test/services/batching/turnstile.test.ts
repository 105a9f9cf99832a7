import { describe, expect, it } from 'vitest';
import type { Priority } from '../../../src/services/batching/priority.js';
import { Turnstile } from '../../../src/services/batching/turnstile.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Somebody who comes to the turnstile, and what becomes of that. */
function come(turnstile: Turnstile, log: string[], name: string, priority: Priority = 'normal') {
  const person = { arrived: performance.now(), priority, rows: 1, gone: false, enter, turnAway, unwanted };
  function enter() {
    log.push(name);
  }
  function unwanted() {
    return person.gone;
  }
  function turnAway() {
    log.push(`not ${name}`);
  }
  if (turnstile.pass()) enter();
  else if (!turnstile.hold(person)) turnstile.refuse(turnAway);
  return person;
}

describe('Turnstile', () => {
  it('lets all in while a turn can take them, and the others in the turns that follow, in order', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    const names = Array.from({ length: 300 }, (_, i) => `${i}`);
    for (const name of names) come(turnstile, log, name);
    expect(log.length).toBeGreaterThan(0);
    expect(log.length).toBeLessThan(300);
    expect(turnstile.length).toBe(300 - log.length);
    expect(turnstile.expectedWaitMs('normal')).toBeGreaterThan(0);
    while (turnstile.length > 0) await turn();
    expect(log).toEqual(names);
    expect(turnstile.expectedWaitMs('normal')).toBe(0);
  });

  it('lets the urgent in first, and turns away who is not wanted any more', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    while (turnstile.length === 0) come(turnstile, log, 'first');
    log.length = 0;
    const left = come(turnstile, log, 'left');
    left.gone = true;
    come(turnstile, log, 'low', 'low');
    come(turnstile, log, 'high', 'high');
    while (turnstile.length > 0) await turn();
    expect(log.filter((name) => name !== 'first')).toEqual(['high', 'low', 'not left']);
  });

  it('keeps turns short while connections come, one a turn', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    for (let i = 0; i < 1000; i++) come(turnstile, log, `${i}`);
    const letInByTurns: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = log.length;
      // After the turn in which nobody came: the stamp has to be later than its.
      for (const at = performance.now(); performance.now() === at; );
      if (i > 0) turnstile.connected();
      await turn();
      letInByTurns.push(log.length - before);
    }
    const [first, second, ...others] = letInByTurns;
    expect(first).toBeGreaterThan(8);
    expect(second).toBeGreaterThan(8);
    expect(others).toEqual([8, 8, 8]);
    while (turnstile.length > 0) await turn();
    expect(log.length).toBe(1000);
  });

  it('keeps most of a turn for those who are let in', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    for (let i = 0; i < 1000; i++) turnstile.refuse(() => log.push('refused'));
    await turn();
    expect(log.length).toBeGreaterThan(0);
    expect(log.length).toBeLessThan(100);
    while (log.length < 1000) await turn();
    expect(log.length).toBe(1000);
  });

  it('learns from the length of turns how many fill one, and how long the others will wait', async () => {
    const turnstile = new Turnstile();
    const busyFor = (ms: number) => {
      const until = performance.now() + ms;
      while (performance.now() < until);
    };
    const letIn: number[] = [];
    let now = 0;
    const person = {
      arrived: 0,
      priority: 'normal' as const,
      rows: 1,
      unwanted: () => false,
      turnAway: () => undefined,
    };
    // Each costs a millisecond: some twenty of them are a turn.
    const enter = () => {
      now++;
      busyFor(1);
    };
    while (turnstile.pass());
    for (let i = 0; i < 600; i++) turnstile.hold({ ...person, enter });
    while (turnstile.length > 200) {
      const before = now;
      await turn();
      letIn.push(now - before);
    }
    // The least that a turn takes is what a busy machine may make of it.
    expect(letIn.at(-1)).toBeLessThan(40);
    expect(letIn.at(-1)).toBeGreaterThanOrEqual(16);
    expect(turnstile.expectedWaitMs('normal')).toBeGreaterThan(turnstile.length * 0.7);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker, type Verdict } from '../../../src/services/outbound/circuit-breaker.js';
import { refusalOf } from './servers.js';

const coolDownMs = 200;

function breaker() {
  const opened: string[] = [];
  const circuit = new CircuitBreaker({ failures: 3, coolDownMs, onOpen: (origin) => opened.push(origin) });
  let asked = 0;
  const attempt = (verdict: Verdict, work: Promise<unknown> = Promise.resolve(), origin = 'http://a.example') =>
    circuit.run(
      origin,
      () => {
        asked++;
        return work;
      },
      () => verdict,
    );
  const fail = async (times: number) => {
    for (let time = 0; time < times; time++) await attempt('failed');
  };
  return { attempt, fail, opened, asked: () => asked };
}

describe('an origin that fails', () => {
  it('is left alone after several failures in a row, and only it', async () => {
    const { attempt, fail, opened, asked } = breaker();
    await fail(3);
    const { code, message } = await refusalOf(attempt('well'));
    expect(code).toBe('outbound-circuit-open');
    expect(message).toContain('http://a.example failed 3 times in a row');
    expect(message).toContain('try again in 1 s');
    expect(asked()).toBe(3);
    expect(opened).toEqual(['http://a.example']);
    await attempt('well', Promise.resolve(), 'http://b.example');
    expect(asked()).toBe(4);
  });

  it('is asked on when an answer came in between', async () => {
    const { attempt, fail, opened } = breaker();
    await fail(2);
    await attempt('well');
    await fail(2);
    await attempt('nothing');
    expect(opened).toEqual([]);
    await fail(1);
    expect((await refusalOf(attempt('well'))).code).toBe('outbound-circuit-open');
  });

  it('counts what throws as what it is judged to be', async () => {
    const { attempt } = breaker();
    for (let time = 0; time < 3; time++) {
      await expect(attempt('failed', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    }
    expect((await refusalOf(attempt('well'))).code).toBe('outbound-circuit-open');
  });

  it('is tried by one alone after a while, and by all when that went well', async () => {
    const { attempt, fail, asked } = breaker();
    await fail(3);
    await sleep(coolDownMs + 20);
    let finish = () => {};
    const probe = attempt('well', new Promise<void>((resolve) => (finish = resolve)));
    expect((await refusalOf(attempt('well'))).code).toBe('outbound-circuit-open');
    expect(asked()).toBe(4);
    finish();
    await probe;
    await Promise.all([attempt('well'), attempt('well')]);
    expect(asked()).toBe(6);
  });

  it('is left alone again when the one who tried failed', async () => {
    const { attempt, fail, opened } = breaker();
    await fail(3);
    await sleep(coolDownMs + 20);
    await fail(1);
    expect((await refusalOf(attempt('well'))).code).toBe('outbound-circuit-open');
    expect(opened).toEqual(['http://a.example']);
  });

  it('is tried by the next when the one who tried learnt nothing', async () => {
    const { attempt, fail } = breaker();
    await fail(3);
    await sleep(coolDownMs + 20);
    await attempt('nothing');
    await attempt('well');
    await Promise.all([attempt('well'), attempt('well')]);
  });

  it('is forgotten when a thousand others have failed since', async () => {
    const { attempt, fail } = breaker();
    await fail(3);
    for (let other = 0; other < 1000; other++) await attempt('failed', Promise.resolve(), `http://${other}.example`);
    await attempt('well');
  });
});

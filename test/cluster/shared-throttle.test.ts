import { describe, expect, it } from 'vitest';
import type { FromWorker, ToWorker } from '../../src/cluster/messages.js';
import { SharedThrottle, ThrottleKeeper } from '../../src/cluster/shared-throttle.js';
import { defaultThrottleLimits } from '../../src/services/accounts/login-throttle.js';

/** Workers and their primary, with messages that arrive later, as they do between processes. */
function server() {
  const keeper = new ThrottleKeeper();
  const worker = () => {
    const member = { send: (message: ToWorker) => setImmediate(() => throttle.receive(structuredClone(message))) };
    const throttle: SharedThrottle = new SharedThrottle((message: FromWorker) => {
      setImmediate(() => {
        if (message.kind === 'admit') void keeper.admit(member, message);
        if (message.kind === 'settle') void keeper.settle(member, message.id, message.outcome);
      });
      return true;
    });
    return { throttle, die: () => keeper.forget(member) };
  };
  return { worker };
}

const { burst } = defaultThrottleLimits.pair;
const refused = { code: 'login-throttled' };

describe('logins through several workers', () => {
  it('count together', async () => {
    const { worker } = server();
    const workers = [worker(), worker(), worker()];
    for (let i = 0; i < burst; i++) await (await workers[i % 3]!.throttle.admit('eva', '192.0.2.1')).failed();
    for (const { throttle } of workers) {
      await expect(throttle.admit('eva', '192.0.2.1')).rejects.toMatchObject(refused);
    }
    await expect(workers[0]!.throttle.admit('eva', '192.0.2.1')).rejects.toMatchObject({
      headers: { 'Retry-After': expect.stringMatching(/^[1-9]\d*$/) },
    });
    await (await workers[1]!.throttle.admit('eva', '192.0.2.2')).withdraw();
  });

  it('give back what a right password took, and remember where it came from', async () => {
    const { worker } = server();
    const [one, other] = [worker(), worker()];
    for (let i = 0; i < 3 * burst; i++) await (await one.throttle.admit('eva', '192.0.2.1')).succeeded();
    expect((await other.throttle.admit('eva', '192.0.2.1')).known).toBe(true);
  });

  it('wait for those that are being compared in another worker, and go on when they were right', async () => {
    const { worker } = server();
    const [one, other] = [worker(), worker()];
    const admitted = await Promise.all(Array.from({ length: burst }, () => one.throttle.admit('eva', '192.0.2.1')));
    let late: string | undefined;
    const waiting = other.throttle.admit('eva', '192.0.2.1').then((admission) => {
      late = 'admitted';
      return admission;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(late).toBeUndefined();
    for (const admission of admitted) await admission.succeeded();
    await (await waiting).succeeded();
  });

  it('cost a worker that dies with them their guesses', async () => {
    const { worker } = server();
    const [one, other] = [worker(), worker()];
    await Promise.all(Array.from({ length: burst }, () => one.throttle.admit('eva', '192.0.2.1')));
    const waiting = other.throttle.admit('eva', '192.0.2.1');
    one.die();
    await expect(waiting).rejects.toMatchObject(refused);
  });

  it('are told to come back when the primary is gone', async () => {
    const throttle = new SharedThrottle(() => false);
    await expect(throttle.admit('eva', '192.0.2.1')).rejects.toMatchObject({ code: 'login-busy' });
    const silent = new SharedThrottle(() => true);
    const asked = silent.admit('eva', '192.0.2.1');
    silent.abandon();
    await expect(asked).rejects.toMatchObject({ code: 'login-busy' });
  });
});

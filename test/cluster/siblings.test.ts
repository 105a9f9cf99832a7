import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Member, Relay } from '../../src/cluster/relay.js';
import { WorkerSiblings } from '../../src/cluster/worker-siblings.js';

afterEach(() => {
  vi.useRealTimers();
});

/** Workers around one relay. Messages are cloned, as they are on their way between processes. */
function workers(count: number) {
  const relay = new Relay();
  const members: (Member & { readonly siblings: WorkerSiblings })[] = [];
  for (let i = 0; i < count; i++) {
    const siblings = new WorkerSiblings(i + 1, (sent) => {
      const message = structuredClone(sent);
      const others = members.filter((other) => other !== member);
      if (message.kind === 'ask') relay.ask(member, message.id, message.topic, message.question, others);
      if (message.kind === 'answer') relay.answer(member, message.id, message.answer);
      return true;
    });
    const member = { siblings, send: (message: Parameters<Member['send']>[0]) => siblings.receive(message) };
    members.push(member);
  }
  return { relay, members, siblings: members.map((member) => member.siblings) };
}

describe('siblings', () => {
  it('answer a question, all but the one who asks', async () => {
    const { siblings } = workers(4);
    for (const one of siblings) one.answer('double', (value) => [one.index, 2 * (value as number)]);
    const answers = await siblings[1]!.ask('double', 21);
    expect(answers.sort()).toEqual([
      [1, 42],
      [3, 42],
      [4, 42],
    ]);
  });

  it('carry maps and bytes, and wait for answers that take time', async () => {
    const { siblings } = workers(2);
    const value = new Map([['counts', new Float64Array([1, Number.NaN])]]);
    siblings[1]!.answer('state', async () => value);
    expect(await siblings[0]!.ask('state')).toEqual([value]);
  });

  it('leave out who has no answer, throws, or answers what cannot travel', async () => {
    const { siblings } = workers(4);
    siblings[1]!.answer('topic', () => {
      throw new Error('no');
    });
    siblings[2]!.answer('topic', () => () => 'a function');
    siblings[3]!.answer('topic', () => null);
    expect(await siblings[0]!.ask('topic')).toEqual([null]);
    expect(await siblings[0]!.ask('nobody-answers-this')).toEqual([]);
    await expect(siblings[0]!.ask('topic', () => 'a function')).rejects.toThrow(/could not be cloned/);
  });

  it('answer nothing to an only child', async () => {
    expect(await workers(1).siblings[0]!.ask('anything')).toEqual([]);
  });

  it('do not wait for who died, and for who is silent no longer than five seconds', async () => {
    vi.useFakeTimers();
    const { relay, members, siblings } = workers(4);
    siblings[1]!.answer('topic', () => 'here');
    for (const silent of [2, 3]) siblings[silent]!.answer('topic', () => new Promise(() => undefined));
    let answers: unknown[] | undefined;
    const asked = siblings[0]!.ask('topic').then((given) => {
      answers = given;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    relay.forget(members[2]!);
    expect(answers).toBeUndefined();
    await vi.advanceTimersByTimeAsync(4_000);
    await asked;
    expect(answers).toEqual(['here']);
  });

  it('are answered with nothing once the primary is gone', async () => {
    const orphan = new WorkerSiblings(1, () => true);
    const asked = orphan.ask('topic');
    orphan.abandon();
    expect(await asked).toEqual([]);
    expect(await new WorkerSiblings(1, () => false).ask('topic')).toEqual([]);
  });
});

import { afterEach, expect, it } from 'vitest';
import { addSideThread, openSession, type Session } from '../../src/runtime/index.js';
import { scaleGraph } from '../graphs.js';

let session: Session | undefined;
afterEach(() => session?.close());

const inputs = () => ({ x: { dtype: 'float32' as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } });

async function withSide(): Promise<Session> {
  const { graph } = scaleGraph(3);
  session = addSideThread(await openSession(graph, 'inline'), graph, {}, { aside: true, most: 60 });
  return session;
}

it('computes on the event loop until the thread is there, and the same in both', async () => {
  const { runNow, runAside } = await withSide();
  expect(runAside!(inputs())).toBeUndefined();
  const now = runNow!(inputs());
  let aside: ReturnType<NonNullable<typeof runAside>>;
  await expect.poll(() => (aside = runAside!(inputs())), { timeout: 20_000 }).toBeDefined();
  expect(await aside).toEqual(now);
});

it('computes nothing large on the event loop, and leaves the inputs to their owner', async () => {
  const { runLarge } = await withSide();
  const rows = (count: number) => ({
    x: { dtype: 'float32' as const, shape: [count, 3], data: new Float32Array(3 * count).fill(1) },
  });
  expect(runLarge!(rows(20))).toBeUndefined();
  const large = rows(21);
  const { y } = (await runLarge!(large))!;
  expect([y!.shape, y!.data[62]]).toEqual([[21, 3], 2]);
  expect(large.x.data).toHaveLength(63);
  await session!.close();
  await expect(runLarge!(large)).rejects.toMatchObject({ code: 'runtime-closed' });
});

it('ends with its session, also while it starts', async () => {
  const { runAside, close } = await withSide();
  expect(runAside!(inputs())).toBeUndefined();
  await close();
  expect(runAside!(inputs())).toBeUndefined();
});

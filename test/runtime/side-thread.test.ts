import { afterEach, expect, it } from 'vitest';
import { addSideThread, openSession, type Session } from '../../src/runtime/index.js';
import { scaleGraph } from '../graphs.js';

let session: Session | undefined;
afterEach(() => session?.close());

const inputs = () => ({ x: { dtype: 'float32' as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } });

async function withSide(): Promise<Session> {
  const { graph } = scaleGraph(3);
  session = addSideThread(await openSession(graph, 'inline'), graph);
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

it('ends with its session, also while it starts', async () => {
  const { runAside, close } = await withSide();
  expect(runAside!(inputs())).toBeUndefined();
  await close();
  expect(runAside!(inputs())).toBeUndefined();
});

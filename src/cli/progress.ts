import { Presets, SingleBar } from 'cli-progress';

/** Work that ends sooner than this shows no bar. */
const patienceMs = 1_000;

/** A bar on standard error, where someone is looking; silent in pipes. */
export function startProgress(what: string, total: number): { step(): void; stop(): void } {
  if (!process.stderr.isTTY) return { step: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    { format: `{bar} {value}/{total} ${what}`, stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  );
  const started = performance.now();
  let done = 0;
  let shown = false;
  return {
    step() {
      done++;
      if (!shown && performance.now() - started > patienceMs) {
        bar.start(total, done);
        shown = true;
      }
      if (shown) bar.update(done);
    },
    stop() {
      if (shown) bar.stop();
    },
  };
}

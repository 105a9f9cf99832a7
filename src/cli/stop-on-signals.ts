import { exitProcess } from '../thread.js';
import type { Watchdog } from '../watchdog.js';
import { exitCodes } from './exit-codes.js';

/**
 * Ends the process when it is told to, once `stop` is done. Stopping is bounded by the stop timeout, so a second signal
 * (npm passes on what the terminal sent already) changes nothing: `stop` may be called twice, and the first call counts.
 */
export function stopOnSignals(stop: () => Promise<void>, watchdog: Watchdog): void {
  let stopping: Promise<void> | undefined;
  const stopAndExit = async () => {
    if (stopping === undefined) watchdog.stopping();
    try {
      stopping ??= stop();
      await stopping;
      await exitProcess(exitCodes.done);
    } catch (error) {
      process.stderr.write(`vitrina: ${String(error)}\n`);
      await exitProcess(exitCodes.failed);
    }
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stopAndExit());
}

import { execFile } from 'node:child_process';

/** What a service manager is told of the process. */
export interface Watchdog {
  /** The server answers. `status` is what `systemctl status` shows. */
  ready(status: string): void;
  /** The server lets requests finish and ends. */
  stopping(): void;
}

/** Milliseconds that telling may take, after which it is given up. */
const tellMs = 5_000;

/**
 * Speaks the protocol of `sd_notify(3)` where the environment asks for it (`NOTIFY_SOCKET`), and does nothing elsewhere.
 * With `WATCHDOG_USEC` it says every half of that time, from the event loop, that the process lives: one whose loop stands
 * still falls silent, and systemd replaces it.
 *
 * Node opens no Unix datagram sockets, so that `systemd-notify` tells it: a process of some milliseconds each time, and
 * the reason for `NotifyAccess=all` in the unit. Failing to tell never fails the server.
 *
 * Protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 *
 * @param warn told once, when nobody can be told
 */
export function attachWatchdog(env: NodeJS.ProcessEnv, warn: (text: string) => void): Watchdog {
  if (!env.NOTIFY_SOCKET) return { ready: () => undefined, stopping: () => undefined };
  let telling = 0;
  let failed = false;

  const tell = (...words: string[]) => {
    telling++;
    execFile('systemd-notify', words, { timeout: tellMs, env }, (error) => {
      telling--;
      if (error === null || failed) return;
      failed = true;
      warn(`systemd-notify failed, so that systemd may take this server for dead: ${error.message.split('\n')[0]}.`);
    }).unref();
  };

  const periodMs = ownPeriodMs(env);
  if (periodMs !== undefined) {
    setInterval(() => {
      // One that hangs is not joined by others.
      if (telling === 0) tell('WATCHDOG=1');
    }, periodMs).unref();
  }
  return {
    ready: (status) => tell('--ready', `--status=${status}`),
    stopping: () => tell('STOPPING=1'),
  };
}

/** Half of what the manager allows this process, in milliseconds; nothing where it watches another or none. */
function ownPeriodMs({ WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (!microseconds || !/^[1-9]\d*$/.test(microseconds)) return undefined;
  if (pid && pid !== String(process.pid)) return undefined;
  // The longest that a timer of Node can be set to.
  return Math.min(2 ** 31 - 1, Math.max(1, Number(microseconds) / 2_000));
}

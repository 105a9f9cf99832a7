import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import type { Config } from '../config.js';
import { VitrinaError } from '../errors.js';
import type { ConnectionHandle, SocketHandle } from '../listening.js';
import type { RunningServer } from '../server.js';
import { exitProcess } from '../thread.js';
import { beatMs, type FromWorker, type Greeting, type StartFault, type ToWorker } from './messages.js';
import { SharedThrottle } from './shared-throttle.js';
import { WorkerSiblings } from './worker-siblings.js';

/** Milliseconds that accepted requests get when the primary is gone. */
const orphanMs = 1_500;

/**
 * Runs this process as one of the workers of a primary: loads the code, waits for the word to load the models, serves,
 * and stops when the primary says so or is gone.
 */
export async function runWorker(config: Config, greet: (server: RunningServer) => Greeting): Promise<void> {
  let server: RunningServer | undefined;
  let siblings: WorkerSiblings | undefined;

  const stop = async (everybody: boolean) => {
    try {
      // What has not begun to serve has nothing to finish.
      await server?.stop({ othersListen: !everybody });
      await exitProcess(0);
    } catch (error) {
      process.stderr.write(`vitrina: a worker did not stop well: ${String(error)}\n`);
      await exitProcess(1);
    }
  };
  const sockets: SocketHandle[] = [];
  const throttle = new SharedThrottle(send);
  const go = new Promise<WorkerSiblings>((resolve) => {
    process.on('message', (message: ToWorker, handle: unknown) => {
      switch (message.kind) {
        case 'socket':
          sockets.push(handle as SocketHandle);
          break;
        case 'go':
          siblings = new WorkerSiblings(message.index, send);
          resolve(siblings);
          break;
        case 'stop':
          void stop(message.everybody);
          break;
        case 'shed':
          server?.listener.shed(message.count, passOn);
          break;
        case 'connection':
          server?.listener.adopt(handle as ConnectionHandle);
          break;
        default:
          siblings?.receive(message);
          throttle.receive(message);
      }
    });
  });
  // The terminal's Ctrl-C and a service manager's SIGTERM reach every process of the server: the primary decides.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('SIGTERM', () => void send({ kind: 'leaving' }));
  cluster.worker!.on('disconnect', () => {
    // Without this, Node ends the process here and now.
    cluster.worker!.exitedAfterDisconnect = true;
    siblings?.abandon();
    throttle.abandon();
    setTimeout(() => void exitProcess(0), orphanMs);
    void stop(true);
  });
  const busy = measureBusy();
  const beat = async () => {
    const connections = await server?.listener.connections();
    send({ kind: 'beat', load: connections === undefined ? undefined : { connections, busy: busy() } });
  };
  setInterval(() => void beat(), beatMs).unref();

  const { startServer } = await import('../server.js');
  send({ kind: 'attending' });
  const others = await go;
  try {
    server = await startServer(config, { siblings: others, sockets, throttle });
    send({ kind: 'ready', greeting: greet(server) });
  } catch (error) {
    process.send!({ kind: 'failed', fault: describeFault(error) } satisfies FromWorker, () => void exitProcess(1));
  }
}

/** Gives a connection to the primary, which knows who has room. */
function passOn(connection: ConnectionHandle): void {
  // Node's types know no bare handle; its cluster module sends them the same way.
  process.send!({ kind: 'pass' } satisfies FromWorker, connection as unknown as Socket, undefined, () =>
    connection.close(),
  );
}

/** Gives, each time, how much of the time since the last the event loop or all threads together worked. */
function measureBusy(): () => number {
  let last = { loop: performance.eventLoopUtilization(), cpu: process.cpuUsage(), at: performance.now() };
  return () => {
    const now = { loop: performance.eventLoopUtilization(), cpu: process.cpuUsage(), at: performance.now() };
    const loop = performance.eventLoopUtilization(now.loop, last.loop).utilization;
    const cpu = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1000 / (now.at - last.at);
    last = now;
    return Math.max(loop, Math.min(1, cpu));
  };
}

/** False when the primary is gone, or when what is to be said cannot travel between processes. */
function send(message: FromWorker): boolean {
  // Whether the other side still reads shows in 'disconnect'.
  return process.connected && process.send!(message, undefined, undefined, () => undefined) !== undefined;
}

function describeFault(error: unknown): StartFault {
  if (error instanceof VitrinaError) return { code: error.code, fields: error.fields };
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

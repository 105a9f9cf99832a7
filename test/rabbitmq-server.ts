/**
 * A real RabbitMQ for tests: Debian's package `rabbitmq-server` (3.10), with folders, ports, an epmd and a cookie of its
 * own, on addresses that nobody else reaches. A start takes some ten seconds, of which Erlang computes most.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { freePort } from './free-port.js';

const run = promisify(execFile);
/** Not the scripts of /usr/sbin, which change to the package's own account and folders. */
const bin = '/usr/lib/rabbitmq/bin';
const startMs = 120_000;

/**
 * Runs the broker and its epmd, and ends both when whoever started them is gone, however it went: then nobody holds the
 * other end of the pipe. When the broker is killed, the epmd goes as well.
 */
const guard = `epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" </dev/null & names=$!
"$0" </dev/null & server=$!
echo $server >"$HOME/pid"
exec 3<&0; { cat <&3 >/dev/null; kill -KILL $server $names; } 2>/dev/null &
wait $server
kill -KILL $names`;

/** What is needed and is not there; nothing where a server can be started. */
export function missingTools(): readonly string[] {
  const tools = ['sh', 'erl', 'epmd'].filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status !== 0,
  );
  try {
    accessSync(join(bin, 'rabbitmq-server'), constants.X_OK);
    return tools;
  } catch {
    return [...tools, 'rabbitmq-server'];
  }
}

export class RabbitmqServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly password: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** A server of its own, that runs. */
  static async create(): Promise<RabbitmqServer> {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-rabbitmq-'));
    try {
      const [port, distribution, names] = await Promise.all([freePort(), freePort(), freePort()]);
      const password = randomBytes(16).toString('hex');
      mkdirSync(join(folder, 'data'));
      const settings = [
        `listeners.tcp.1 = 127.0.0.1:${port}`,
        'default_user = vitrina',
        `default_pass = ${password}`,
        // Else it takes no messages where the disk has less than 50 MB or tests use most of the memory.
        'disk_free_limit.absolute = 1MB',
        'vm_memory_high_watermark.absolute = 2GB',
      ];
      writeFileSync(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`);
      writeFileSync(join(folder, 'plugins'), '[].\n');
      const server = new RabbitmqServer(folder, port, password, environment(folder, distribution!, names!));
      await server.start();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** As the one who may do everything, in the default virtual host. */
  get url(): string {
    return `amqp://vitrina:${this.password}@127.0.0.1:${this.port}`;
  }

  /** Runs `rabbitmqctl`, which takes a second or two. */
  async control(...words: readonly string[]): Promise<string> {
    return (await run(join(bin, 'rabbitmqctl'), ['--quiet', ...words], { env: this.env, cwd: this.folder })).stdout;
  }

  /** Starts it, for the first time or again: same data, same port. */
  async start(): Promise<void> {
    const child = spawn('/bin/sh', ['-c', guard, join(bin, 'rabbitmq-server')], {
      cwd: this.folder,
      env: this.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.process = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        if (said.length < 100_000) said += chunk;
      });
    }
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code) => {
      ended ??= `ended with ${code}`;
    });
    const deadline = Date.now() + startMs;
    while (!(await this.answers())) {
      if (ended === undefined && Date.now() > deadline) ended = `not ready in ${startMs} ms`;
      if (ended !== undefined) {
        await this.ended();
        throw new Error(`RabbitMQ did not start: ${ended}\n${said}`);
      }
      await sleep(100);
    }
  }

  /** As when the machine fails: no goodbye to anybody. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.ended();
  }

  /** Stops and goes on, like a machine that is much too busy: connections stay open, and nobody answers. */
  async pause(): Promise<void> {
    const { pid } = this;
    process.kill(pid, 'SIGSTOP');
    // Its threads stop one after the other.
    const threads = readdirSync(`/proc/${pid}/task`);
    const stands = (thread: string) => /^State:\s*T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
    while (!threads.every(stands)) await sleep(10);
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.ended();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  private get pid(): number {
    return Number(readFileSync(join(this.folder, 'pid'), 'utf8'));
  }

  /** Listening is not enough: it has to let somebody in. */
  private async answers(): Promise<boolean> {
    try {
      await (await connect(this.url, { timeout: 5000 })).close();
      return true;
    } catch {
      return false;
    }
  }

  private async ended(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.stdin!.on('error', () => undefined).end();
    if (child.exitCode === null || !child.stdout!.closed || !child.stderr!.closed) await closed;
  }
}

function environment(folder: string, distribution: number, names: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    LC_ALL: 'C.UTF-8',
    // Where Erlang makes the cookie.
    HOME: folder,
    RABBITMQ_NODENAME: `vitrina${randomBytes(4).toString('hex')}@localhost`,
    // The package's own, which it would read otherwise.
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_FEATURE_FLAGS_FILE: join(folder, 'feature-flags'),
    RABBITMQ_PLUGINS_EXPAND_DIR: join(folder, 'expanded'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'broker.pid'),
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_CTL_ERL_ARGS: '-start_epmd false',
    // Then its script becomes the broker, in place of waiting for it.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
}

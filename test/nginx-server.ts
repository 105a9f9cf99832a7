/** A real nginx for tests, of the machine's package (`scripts/apt-packages.sh`), with the sites of `deploy/nginx`. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTaken } from './free-port.js';

/** Debian keeps it where only administrators look. */
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const startMs = 10_000;

/** What is needed and is not there; nothing where a server can be started. */
export function missingTools(): readonly string[] {
  return ['nginx', 'openssl'].filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore', env: environment }).status !== 0,
  );
}

/** Ends the server when whoever started it is gone, however it went: then nobody holds the other end of the pipe. */
const guard = `"$0" "$@" </dev/null & server=$!
exec 3<&0; { cat <&3 >/dev/null; kill -TERM $server 2>/dev/null; } &
wait $server`;

export interface NginxOptions {
  /** The text of each file that its `http` block includes. `@folder@` stands for a folder of this server alone. */
  readonly files: readonly string[];
  /** Where to connect to see that it has started. */
  readonly port: number;
}

export class NginxServer {
  private constructor(
    readonly folder: string,
    private readonly child: ChildProcess,
    private readonly said: () => string,
  ) {}

  /** A server that runs, with a certificate of its own for `localhost` in `@folder@/tls`. */
  static async start({ files, port }: NginxOptions): Promise<NginxServer> {
    const folder = mkdtempSync(join(tmpdir(), 'vitrina-nginx-'));
    mkdirSync(join(folder, 'tls'));
    makeCertificate(join(folder, 'tls'));
    const names = files.map((text, i) => {
      const name = join(folder, `${i}.conf`);
      writeFileSync(name, text.replaceAll('@folder@', folder));
      return name;
    });
    const main = join(folder, 'nginx.conf');
    writeFileSync(main, frame(folder, names));
    const words = ['-p', folder, '-c', main, '-e', 'stderr'];
    const checked = spawnSync('nginx', ['-t', ...words], { env: environment, encoding: 'utf8' });
    if (checked.status !== 0) throw new Error(`nginx -t: ${checked.stderr}`);
    const child = spawn('/bin/sh', ['-c', guard, 'nginx', ...words], {
      env: environment,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = checked.stderr;
    child.stderr.on('data', (chunk) => {
      if (said.length < 100_000) said += chunk;
    });
    const server = new NginxServer(folder, child, () => said);
    const deadline = Date.now() + startMs;
    while (!(await isTaken(port))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`nginx did not start: ${said}`);
      await sleep(20);
    }
    return server;
  }

  /** The certificate, for clients that are to trust it. */
  get certificate(): Buffer {
    return readFileSync(join(this.folder, 'tls/vitrina.pem'));
  }

  /** What it has said on its error log so far, `nginx -t` included. */
  get errors(): string {
    return this.said();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin!.on('error', () => undefined).end();
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The main file: what Debian's has around the sites, in a folder of its own. */
function frame(folder: string, names: readonly string[]): string {
  const { uid, username } = userInfo();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${folder}/${name};`)
    .join('\n');
  return `${uid === 0 ? `user ${username};\n` : ''}daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
${temporary}
  access_log off;
${names.map((name) => `  include ${name};`).join('\n')}
}
`;
}

function makeCertificate(folder: string): void {
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost'.split(
    ' ',
  );
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'vitrina.key'), '-out', join(folder, 'vitrina.pem')];
  execFileSync('openssl', [...words, ...names, ...files], { stdio: 'ignore' });
}

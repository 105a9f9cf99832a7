/** `deploy/docker`: the image by its Dockerfile, without a daemon to build it, and the services of `compose.yaml`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { resolveConfig, settings } from '../../src/config.js';
import { parseDatabaseUrl } from '../../src/database-url.js';
import { check, hasTools, root } from './python-tools.js';

const folder = join(root, 'deploy/docker');
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll(/^\s*#.*\n/gm, '');
/** Each instruction as one line. */
const instructions = dockerfile
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const valuesOf = (name: string) =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

/** What `.dockerignore` says of a path: the last pattern that fits it, or a folder above it, decides. */
function isIgnored(path: string, patterns: readonly string[]): boolean {
  const above = path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));
  return patterns.reduce((ignored, line) => {
    const pattern = line
      .replace(/^!/, '')
      .replaceAll('.', '\\.')
      .replaceAll(/\*\*\/|\*/g, (glob) => (glob === '*' ? '[^/]*' : '(.*/)?'));
    const fits = above.some((one) => new RegExp(`^${pattern}$`).test(one));
    return fits ? !line.startsWith('!') : ignored;
  }, false);
}

describe('the image', () => {
  const patterns = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const copied = valuesOf('COPY')
    .filter((line) => !line.startsWith('--from'))
    .flatMap((line) => line.split(' ').slice(0, -1));

  it.runIf(hasTools)('has a Dockerfile without faults, which a linter would find', () => {
    expect(check('hadolint', ['deploy/docker/Dockerfile'])).toEqual({ status: 0, text: '' });
    expect(check('hadolint', ['-'], 'FROM node:latest\nRUN cd /tmp\n').status).not.toBe(0);
  });

  it('copies what is there and reaches the builder, and nothing that is secret does', () => {
    expect(copied.length).toBeGreaterThan(8);
    for (const path of copied) {
      expect([path, existsSync(join(root, path)), isIgnored(path, patterns)]).toEqual([path, true, false]);
    }
    const inside = readdirSync(join(root, 'src'), { recursive: true }) as string[];
    const lost = inside
      .map((path) => `src/${path}`)
      .filter((path) => !path.endsWith('.md') && isIgnored(path, patterns));
    expect(lost).toEqual([]);
    for (const path of [
      '.env',
      'data/vitrina.db',
      'node_modules',
      'deploy/docker/vitrina.env',
      'src/node_modules/x',
      '.git/config',
    ]) {
      expect([path, isIgnored(path, patterns)]).toEqual([path, true]);
    }
  });

  it('is built with what the scripts of package.json name', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { build: string } };
    const named = scripts.build.split(' ').filter((word) => /[./]/.test(word));
    expect(named).toEqual(['tsconfig.build.json', 'scripts/bundle.js']);
    expect(copied).toEqual(expect.arrayContaining(named));
  });

  it('needs no package that only development has', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
    const sources = (readdirSync(join(root, 'src'), { recursive: true }) as string[]).filter((file) =>
      file.endsWith('.ts'),
    );
    const pattern = /(?:^import (?!type)[^;]*?from |^export [^;]*?from |\bimport\()'([^'.][^']*)'/gm;
    const imported = new Set(
      sources.flatMap((file) =>
        [...readFileSync(join(root, 'src', file), 'utf8').matchAll(pattern)]
          .map(([, name]) => /^(@[^/]+\/)?[^/]+/.exec(name!)![0])
          .filter((name) => !name.startsWith('node:')),
      ),
    );
    expect(imported.size).toBeGreaterThan(10);
    // Only a thread that is started from the source asks for tsx.
    expect([...imported].filter((name) => !Object.hasOwn(dependencies, name))).toEqual(['tsx']);
  });

  it('pins its base, and runs as nobody in particular', () => {
    for (const from of valuesOf('FROM')) expect(from).toMatch(/^(tools AS|node:\d+\.\d+\.\d+-)/);
    expect(valuesOf('USER')).toEqual(['1000:1000']);
    const words = valuesOf('ENV')
      .at(-1)!
      .split(/\s+/)
      .map((word) => word.split('=') as [string, string]);
    expect(resolveConfig({ env: Object.fromEntries(words) })).toMatchObject({
      host: '0.0.0.0',
      data: '/data',
      models: ['/models'],
    });
  });

  it('is healthy when the server lives, and not when it does not', async () => {
    const [, words] = /CMD (\[.*\])$/.exec(valuesOf('HEALTHCHECK')[0]!)!;
    const [program, ...args] = JSON.parse(words!) as string[];
    let status = 200;
    const server = createServer((request, response) =>
      response.writeHead(request.url === '/livez' ? status : 404).end(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as { port: number }).port);
    const probe = async () => {
      const child = spawn(program!, args, { env: { ...process.env, VITRINA_PORT: port }, stdio: 'ignore' });
      return (await once(child, 'close'))[0] as number;
    };
    expect(await probe()).toBe(0);
    status = 503;
    expect(await probe()).toBe(1);
    server.closeAllConnections();
    server.close();
    expect(await probe()).toBe(1);
  });
});

interface Service {
  readonly image: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly healthcheck?: object;
  readonly env_file?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly depends_on?: Readonly<Record<string, object>>;
  readonly volumes?: readonly (string | { readonly source: string })[];
  readonly develop?: { readonly watch: readonly { readonly path: string }[] };
}

describe('compose.yaml', () => {
  const text = readFileSync(join(folder, 'compose.yaml'), 'utf8');
  const compose = parseYaml(text, { merge: true }) as {
    services: Record<string, Service>;
    networks: Record<string, object>;
    volumes: Record<string, object>;
  };
  const services = Object.entries(compose.services);
  const scratch = mkdtempSync(join(tmpdir(), 'vitrina-compose-'));
  afterAll(() => rmSync(scratch, { recursive: true }));

  it.runIf(hasTools)('is what the Compose Specification describes', () => {
    const schema = ['--builtin-schema', 'vendor.compose-spec'];
    expect(check('check-jsonschema', [...schema, 'deploy/docker/compose.yaml'])).toMatchObject({ status: 0 });
    const broken = join(scratch, 'broken.yaml');
    writeFileSync(broken, text.replace('stop_grace_period', 'stop_grace'));
    expect(check('check-jsonschema', [...schema, broken])).toMatchObject({ status: 1 });
  });

  it.each(services)('gives %s no more than it needs', (name, service) => {
    expect(service.read_only).toBe(name !== 'elasticsearch');
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.image).toMatch(/:\d+\.\d+(\.\d+)?(-\w+)?$/);
    // The server's is the image's.
    expect(service.healthcheck !== undefined).toBe(name !== 'server');
    expect(service.ports !== undefined).toBe(name === 'nginx');
    expect(service.networks).toContain('inside');
  });

  it('names what is there: services, volumes, networks, files', () => {
    for (const [name, { depends_on = {}, networks, volumes = [], develop, env_file = [] }] of services) {
      for (const other of Object.keys(depends_on))
        expect([name, Object.keys(compose.services)]).toEqual([name, expect.arrayContaining([other])]);
      for (const network of networks) expect(Object.keys(compose.networks)).toContain(network);
      for (const volume of volumes) {
        const source =
          typeof volume === 'string' ? volume.split(':')[0]! : volume.source.replace(/^\$\{\w+:-(.*)\}$/, '$1');
        if (!source.startsWith('.')) expect(Object.keys(compose.volumes)).toContain(source);
        // Certificates are the operator's.
        else if (source !== './tls') expect(statSync(join(folder, source)).size).toBeGreaterThan(0);
      }
      for (const { path } of develop?.watch ?? []) expect(existsSync(join(folder, path))).toBe(true);
      for (const file of env_file) expect(existsSync(join(folder, `${file}.example`))).toBe(true);
    }
  });

  it('starts what is always needed without a profile', () => {
    const always = services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name);
    expect(always).toEqual(['migrate', 'server', 'postgres', 'nginx']);
    for (const name of always) {
      for (const other of Object.keys(compose.services[name]!.depends_on ?? {})) expect(always).toContain(other);
    }
  });

  it('has examples of its environments that fit each other, and that git would not take along', () => {
    const read = (name: string) =>
      parseEnv(readFileSync(join(folder, `${name}.env.example`), 'utf8')) as Record<string, string>;
    const environment = { ...read('vitrina'), ...compose.services.server!.environment };
    const config = resolveConfig({ env: environment });
    expect(config['trust-proxy']).toEqual(['172.30.0.0/24']);
    const url = parseDatabaseUrl(config['database-url']!)!;
    const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database } = read('postgres');
    expect(url).toMatchObject({ host: 'postgres', port: 5432, user, password, database });
    const queue = /^#VITRINA_QUEUE_URL=(.*)$/m.exec(readFileSync(join(folder, 'vitrina.env.example'), 'utf8'))![1]!;
    const { RABBITMQ_DEFAULT_USER: name, RABBITMQ_DEFAULT_PASS: secret } = read('rabbitmq');
    expect(new URL(queue)).toMatchObject({ protocol: 'amqp:', hostname: 'rabbitmq', username: name, password: secret });
    for (const file of ['vitrina.env', 'postgres.env', 'rabbitmq.env', 'tls/vitrina.key']) {
      const path = relative(root, join(folder, file));
      expect(spawnSync('git', ['check-ignore', '--quiet', '--no-index', path], { cwd: root }).status).toBe(0);
    }
    expect(Number(/stop_grace_period: (\d+)s/.exec(text)![1])).toBeGreaterThan(
      Number(settings['stop-timeout'].fallback),
    );
  });

  it('has an nginx that asks the server under the names that the site uses', () => {
    const upstreams = (file: string) => readFileSync(file, 'utf8').match(/^upstream \w+/gm);
    expect(upstreams(join(folder, 'nginx-upstream.conf'))).toEqual(upstreams(join(root, 'deploy/nginx/upstream.conf')));
    expect(readFileSync(join(folder, 'nginx-upstream.conf'), 'utf8').match(/server server:\d+/g)).toEqual([
      'server server:8000',
      'server server:8001',
    ]);
  });
});

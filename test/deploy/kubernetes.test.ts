/** `deploy/kubernetes`: by the published schemas, and by what the files say of each other and of the program. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { resolveConfig, settings } from '../../src/config.js';
import { freePort } from '../free-port.js';
import { check, hasTools, root } from './python-tools.js';

// biome-ignore lint/suspicious/noExplicitAny: read from YAML, and looked into all over
type Loose = any;

const folder = join(root, 'deploy/kubernetes');
const runtimeFile = 'kserve-servingruntime.yaml';
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const read = (file: string): Loose[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Loose);
const objects = files.flatMap((file) =>
  read(file).map((object) => [`${object.kind} ${object.metadata.name}`, object] as const),
);
const find = (name: string): Loose => objects.find(([known]) => known === name)![1];
const pods = objects
  .filter(([, { kind }]) => kind === 'Deployment' || kind === 'Job')
  .map(([name, object]) => [name, object.spec.template] as const);
const runtime = find('ServingRuntime vitrina');
const scratch = mkdtempSync(join(tmpdir(), 'vitrina-kubernetes-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.runIf(hasTools)('the schemas of Kubernetes', () => {
  it.each(files.filter((file) => file !== runtimeFile))('know every field of %s', (file) => {
    expect(check('kubernetes-validate', ['--strict', '--quiet', `deploy/kubernetes/${file}`])).toEqual({
      status: 0,
      text: '',
    });
  });

  it('would find a field that is not there', () => {
    const broken = join(scratch, 'broken.yaml');
    writeFileSync(
      broken,
      readFileSync(join(folder, 'server.yaml'), 'utf8').replace('readinessProbe', 'readynessProbe'),
    );
    expect(check('kubernetes-validate', ['--strict', broken])).toMatchObject({
      status: 1,
      text: expect.stringContaining('readynessProbe'),
    });
  });
});

describe('KServe', () => {
  const python = join(root, '.venv/bin/python');
  const faultsOf = (object: Loose): string => {
    const input = JSON.stringify(object);
    const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, 'kserve_fields.py')], {
      input,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    return stdout;
  };

  it.runIf(existsSync(python))('publishes the fields that the runtime has', { timeout: 60_000 }, () => {
    expect(faultsOf(runtime)).toBe('');
    const [format, ...others] = runtime.spec.supportedModelFormats;
    const broken = { ...runtime.spec, supportedModelFormats: [{ ...format, version: 1, auto: true }, ...others] };
    expect(
      faultsOf({ ...runtime, spec: broken })
        .trim()
        .split('\n'),
    ).toEqual([
      '.spec.supportedModelFormats[0].version is not of type str',
      '.spec.supportedModelFormats[0].auto is no field of V1alpha1SupportedModelFormat',
    ]);
  });

  it('finds a model under the name that it asks for, beside a service "vitrina"', { timeout: 60_000 }, async () => {
    const [container] = runtime.spec.containers;
    const [mnt, tmp, bin] = ['mnt', 'tmp', 'bin'].map((name) => join(scratch, name));
    for (const path of [mnt!, tmp!, bin!]) mkdirSync(path);
    copyFileSync(join(root, 'examples/models/wave.keras'), join(mnt!, 'model.keras'));
    writeFileSync(join(bin!, 'vitrina'), `#!/bin/sh\nexec node ${join(root, 'bin/vitrina.js')} "$@"\n`, {
      mode: 0o755,
    });
    const port = await freePort();
    const [script, name] = container.args as [string, string];
    expect(name).toBe('{{.Name}}');
    const inPlace = script
      .replaceAll('/mnt/models', mnt!)
      .replaceAll('/tmp/models', join(tmp!, 'models'))
      .replaceAll('8080', String(port));
    const env = {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      VITRINA_DATA: join(tmp!, 'data'),
      VITRINA_METRICS_PUBLIC: 'true',
      // As the kubelet sets them.
      VITRINA_SERVICE_HOST: '10.0.0.1',
      VITRINA_SERVICE_PORT_HTTP: '80',
      VITRINA_PORT: 'tcp://10.0.0.1:80',
      VITRINA_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    const [shell, flag] = container.command as [string, string];
    const child = spawn(shell, [flag, inPlace, 'waves'], { env, cwd: tmp });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk));
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (!printed.includes('Vitrina serves')) {
      if (child.exitCode !== null) throw new Error(printed);
      await new Promise((next) => setTimeout(next, 50));
    }
    expect(printed).toContain('Vitrina serves the model waves');
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect((await fetch(`http://127.0.0.1:${port}${container[probe].httpGet.path}`)).status).toBe(200);
    }
    expect(
      (await fetch(`http://127.0.0.1:${port}${runtime.spec.annotations['prometheus.kserve.io/path']}`)).status,
    ).toBe(200);
    child.kill('SIGTERM');
    await ended;
  });
});

describe('the pods', () => {
  const specs = [...pods.map(([name, { spec }]) => [name, spec] as const), ['ServingRuntime', runtime.spec] as const];

  it.each(specs)('%s meets the restricted Pod Security Standard', (_name, spec) => {
    const pod = spec.securityContext ?? {};
    expect(spec.hostIPC ?? spec.hostNetwork ?? spec.hostPID).toBeUndefined();
    for (const volume of spec.volumes) {
      expect(Object.keys(volume).filter((key) => key !== 'name')).toEqual([
        expect.stringMatching(/^(emptyDir|persistentVolumeClaim)$/),
      ]);
    }
    for (const { securityContext, volumeMounts, resources } of spec.containers) {
      const both = { ...pod, ...securityContext };
      expect(both).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(both.capabilities.add).toBeUndefined();
      expect(resources.limits.memory).toBeDefined();
      const names = spec.volumes.map(({ name }: Loose) => name);
      for (const { name } of volumeMounts) expect(names).toContain(name);
    }
  });

  it.each(pods)('of %s get no token, no variables of services, and what they name', (_name, { metadata, spec }) => {
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(metadata.labels['app.kubernetes.io/name']).toBe('vitrina');
    for (const { configMapRef, secretRef } of spec.containers[0].envFrom) {
      if (configMapRef !== undefined) find(`ConfigMap ${configMapRef.name}`);
      if (secretRef !== undefined) find(`Secret ${secretRef.name}`);
    }
    for (const { persistentVolumeClaim: claim } of spec.volumes) {
      if (claim !== undefined) expect(find(`PersistentVolumeClaim ${claim.claimName}`)).toBeDefined();
    }
  });

  it('are one image, of this release', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const images = specs.flatMap(([, { containers }]) => containers.map(({ image }: Loose) => image as string));
    expect(new Set(images)).toEqual(new Set([`vitrina:${version}`]));
    expect(find(`Job vitrina-migrate-${version}`)).toBeDefined();
  });

  it('end later than the program does', () => {
    const { spec } = find('Deployment vitrina').spec.template;
    const stop = Number(settings['stop-timeout'].fallback);
    const [{ lifecycle }] = spec.containers;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(lifecycle.preStop.sleep.seconds + stop + 5);
    const worker = find('Deployment vitrina-worker').spec.template.spec;
    const [{ value }] = worker.containers[0].env;
    expect(worker.terminationGracePeriodSeconds).toBeGreaterThan(
      resolveConfig({ env: { VITRINA_STOP_TIMEOUT: value } })['stop-timeout'] + 5,
    );
  });
});

describe('the objects', () => {
  it('select pods that there are', () => {
    const selectors = objects.flatMap(([name, { kind, spec }]) => {
      const selector =
        kind === 'Service' ? spec.selector : (spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels);
      return selector === undefined ? [] : [[name, selector] as const];
    });
    expect(selectors.length).toBeGreaterThanOrEqual(8);
    for (const [name, selector] of selectors) {
      const matching = pods.filter(([, { metadata }]) =>
        Object.entries(selector).every(([key, value]) => metadata.labels[key] === value),
      );
      expect([name, matching.length]).not.toEqual([name, 0]);
    }
    const { scaleTargetRef } = find('HorizontalPodAutoscaler vitrina-worker').spec;
    expect(find(`${scaleTargetRef.kind} ${scaleTargetRef.name}`).spec.replicas).toBeUndefined();
  });

  it('name ports that there are', () => {
    const ports = find('Deployment vitrina').spec.template.spec.containers[0].ports as {
      name: string;
      containerPort: number;
    }[];
    const names = ports.map(({ name }) => name);
    for (const { targetPort } of find('Service vitrina').spec.ports) expect(names).toContain(targetPort);
    for (const { ports: allowed } of find('NetworkPolicy vitrina-server').spec.ingress) {
      for (const { port } of allowed) expect(names).toContain(port);
    }
    const { data } = find('ConfigMap vitrina');
    expect(ports).toEqual([
      { name: 'http', containerPort: settings.port.fallback },
      { name: 'grpc', containerPort: Number(data.VITRINA_GRPC_PORT) },
    ]);
  });

  it('set what the server knows', () => {
    const env = { ...find('ConfigMap vitrina').data, ...find('Secret vitrina').stringData };
    const config = resolveConfig({ env });
    expect(config).toMatchObject({ workers: 1, 'metrics-public': true, 'open-registration': false });
    expect(config['database-url']).toContain('change-me');
  });
});

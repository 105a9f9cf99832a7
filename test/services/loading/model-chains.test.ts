import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRows } from '../../../src/services/predictions/json-tensors.js';
import { PredictionService } from '../../../src/services/predictions/prediction-service.js';
import { ModelRepository } from '../../../src/services/repository/model-repository.js';
import { lookupGraph } from '../../graphs.js';

const fixtures = join(import.meta.dirname, '../../fixtures/chains');
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  rows: Record<string, number>[];
  predict: string[];
};

let folder: string;
let open: ModelRepository[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrina-chains-'));
});
afterEach(async () => {
  for (const models of open) await models.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

/** A version 1 of the model m with the files given, and what its `model.yaml` says. */
function put(files: readonly string[], yaml?: string): void {
  mkdirSync(join(folder, 'models/m/1'), { recursive: true });
  for (const name of files) cpSync(join(fixtures, name), join(folder, 'models/m/1', name));
  if (yaml !== undefined) writeFileSync(join(folder, 'models/m/model.yaml'), yaml);
}

async function load(): Promise<ModelRepository> {
  const models = new ModelRepository({
    paths: [join(folder, 'models')],
    cacheFolder: join(folder, 'cache'),
    maxQueueRows: 100,
  });
  open.push(models);
  await models.refresh();
  return models;
}

async function predict(models: ModelRepository): Promise<unknown> {
  const inputs = readRows(models.get('m').signature, expected.rows);
  const { outputs } = await new PredictionService(models, 100).predict({ model: 'm', inputs });
  return outputs.predict!.data;
}

function reasonOf(models: ModelRepository): string {
  const { state } = models.versions('m')[0]!;
  return state.status === 'failed' ? state.error.message : state.status;
}

describe('a version of several artefacts', () => {
  it('is served in the order that model.yaml says, and kept under all of its files', async () => {
    put(['scaler.pkl', 'model.pkl'], 'pipeline: [scaler.pkl, model.pkl]\n');
    expect(await predict(await load())).toEqual(expected.predict);
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
    // Another first part is another model, though the last file is the same.
    cpSync(join(fixtures, 'minmax.pkl'), join(folder, 'models/m/1/scaler.pkl'));
    const models = await load();
    expect(models.get('m').provenance.components).toContain('MinMaxScaler');
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(2);
  });

  it('may name objects of one file', async () => {
    put(['bundle.pkl'], 'pipeline: ["bundle.pkl#scaler", "bundle.pkl#model"]\n');
    expect(await predict(await load())).toEqual(expected.predict);
  });

  it('is found where one order fits, and says so', async () => {
    put(['scaler.pkl', 'model.pkl']);
    const models = await load();
    expect(await predict(models)).toEqual(expected.predict);
    expect(models.get('m').provenance.notes[0]).toContain('scaler.pkl → model.pkl are one model here');
  });

  it('is not looked for when model.yaml names one artefact', async () => {
    put(['scaler.pkl', 'model.pkl'], 'artefact: model.pkl\n');
    expect((await load()).get('m').provenance.components).toEqual(['LogisticRegression']);
  });

  it('leaves a scaler that does not fit to the apps', async () => {
    mkdirSync(join(folder, 'models/m/1'), { recursive: true });
    cpSync(join(fixtures, 'scaler.pkl'), join(folder, 'models/m/1/scaler.pkl'));
    writeFileSync(join(folder, 'models/m/1/net.onnx'), lookupGraph().graph);
    const ready = (await load()).get('m');
    expect(ready.provenance.library).toBe('vitrina');
    expect(ready.companion('scaler.pkl')).toBe(join(folder, 'models/m/1/scaler.pkl'));
  });

  it('is refused with the line to write where several orders fit, or none', async () => {
    put(['scaler.pkl', 'minmax.pkl', 'model.pkl']);
    expect(reasonOf(await load())).toContain('"pipeline: [scaler.pkl, minmax.pkl, model.pkl]" for their order');
    rmSync(join(folder, 'models'), { recursive: true });
    put(['vectorizer.pkl', 'model.pkl']);
    expect(reasonOf(await load())).toContain('no order in which each gives what the next takes');
  });

  it.each([
    ['pipeline: [scaler.pkl]\n', 'expected a list of at least two file names'],
    ['pipeline: [../scaler.pkl, model.pkl]\n', 'expected a list of at least two file names'],
    ['pipeline: [scaler.pkl, model.pkl]\nartefact: model.pkl\n', '"artefact" and "member" have no place beside it'],
    ['pipeline: [scaler.pkl, lost.pkl]\n', 'lost.pkl: model.yaml names this artefact, but it is not there'],
  ])('is refused for %j', async (yaml, message) => {
    put(['scaler.pkl', 'model.pkl'], yaml);
    expect(reasonOf(await load())).toContain(message);
  });
});

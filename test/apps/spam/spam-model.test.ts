import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/apps/spam/settings.js';
import { SpamModel } from '../../../src/apps/spam/spam-model.js';
import { withMetadata } from '../../../src/convert/index.js';
import { defineApp } from '../../../src/index.js';
import { readLabels } from '../../../src/learn/labels.js';
import { trainKnnClassifier } from '../../../src/learn/train.js';
import { startApp } from '../../start-app.js';
import { type Answers, expected, readPair } from './pairs.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function folderWith(files: Readonly<Record<string, Uint8Array | string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrina-spam-'));
  folders.push(folder);
  put(folder, files);
  return folder;
}
function put(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

interface Start {
  readonly models?: string;
  readonly data?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Whether the model is prepared before anybody asks. */
  readonly prepared?: boolean;
}

/** The model on a real server, with what it printed. */
async function start({ models, data = folderWith(), settings = {}, flags = { only: 'spam' }, prepared = true }: Start) {
  let model: SpamModel;
  let printed = '';
  const app = defineApp({
    name: 'spam',
    title: 'spam',
    description: 'The model alone.',
    async register(_scope, platform) {
      model = new SpamModel(platform, readSettings(platform.settings), (text) => {
        printed += text;
      });
      if (prepared) await model.prepare();
    },
  });
  const paths = models === undefined ? [] : [models];
  const server = await startApp(paths, { data, apps: { spam: settings }, ...flags }, [app]);
  return { model: model!, printed: () => printed, data, close: () => server.close(), models: server.models };
}
type Started = Awaited<ReturnType<typeof start>>;

async function using<T>(options: Start, act: (started: Started) => Promise<T>): Promise<T> {
  const started = await start(options);
  try {
    return await act(started);
  } finally {
    await started.close();
  }
}

async function expectAnswers({ model }: Started, { asked, predict, probabilities }: Answers): Promise<void> {
  for (const [i, text] of asked.entries()) {
    const { polarity, probability } = await model.predict(text);
    expect(polarity).toBe(['spam', '1'].includes(predict[i]!) ? 'Spam' : 'Ham');
    expect(probability).toBeCloseTo(probabilities[i]![polarity === 'Spam' ? 1 : 0]!, 12);
  }
}
const [count, tfidf] = expected.corpus as [(typeof expected.corpus)[0], (typeof expected.corpus)[0]];
const rows = 'ham,see you at home,,\nham,dinner is ready,,\nspam,win a prize,,\nspam,claim the prize now,,\n';
const small = `v1,v2,,\n${rows.repeat(20)}`;

describe('a model that is missing', () => {
  it('is trained at the start as scikit-learn trains it, and found by a restart', async () => {
    const data = folderWith();
    await using({ data }, async (started) => {
      expect(started.printed()).toContain(
        `(5500 rows, ${count.vocabulary} words; 1815 rows held out)\n\n${count.report}`,
      );
      expect(started.models.names()).toEqual(['spam']);
      await expectAnswers(started, count);
    });
    await using({ data }, async (started) => {
      expect(started.printed()).toBe('');
      await expectAnswers(started, count);
    });
    await using({ data, settings: { vectorizer: 'tfidf' } }, async (started) => {
      expect(started.printed()).toContain(tfidf.report);
      await expectAnswers(started, tfidf);
    });
  });

  it('is trained when somebody asks, where nobody prepared it, once for all who ask', async () => {
    const data = folderWith({ 'spam/spam.csv': small });
    await using({ data, prepared: false, flags: {} }, async ({ model, models, printed }) => {
      expect(models.names()).toEqual([]);
      const answers = await Promise.all([model.predict('the prize'), model.predict('the prize')]);
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]!.polarity).toBe('Spam');
      expect(printed().match(/trained on/g)).toHaveLength(1);
    });
  });

  it('is trained on the file in the app’s data folder, or the one that the settings name, in latin-1 as well', async () => {
    const latin = Buffer.from(small.replaceAll('prize', 'prêmio'), 'latin1');
    const data = folderWith({ 'spam/spam.csv': latin });
    await using({ data }, async ({ model, printed }) => {
      expect(printed()).toContain(`trained on ${join(data, 'spam/spam.csv')} (80 rows, `);
      expect((await model.predict('prêmio')).polarity).toBe('Spam');
    });
    const named = join(folderWith({ 'messages.csv': small.replaceAll('prize', 'jackpot') }), 'messages.csv');
    await using({ data, settings: { 'training-data': named } }, async ({ model, printed }) => {
      expect(printed()).toContain(`trained on ${named}`);
      expect((await model.predict('jackpot')).polarity).toBe('Spam');
    });
  });

  it.each([
    ['that is not there', undefined, 'the file cannot be read'],
    ['without the column', 'a,b\nham,x\nspam,y\n', 'there is no column "v1"'],
    ['of one row', 'v1,v2\nham,x\n', 'leaves none to learn from'],
  ])('says what is wrong with a file %s', async (_what, text, problem) => {
    const folder = folderWith(text === undefined ? {} : { 'own.csv': text });
    const file = join(folder, 'own.csv');
    await expect(start({ settings: { 'training-data': file } })).rejects.toMatchObject({
      code: 'path-unusable',
      message: expect.stringMatching(new RegExp(`^${file}: .*${problem}`)),
    });
  });
});

describe('a pair of pickles from Python', () => {
  it.each(expected.pairs)('is served instead of training ($name)', async (wanted) => {
    const files = Object.entries(readPair(wanted.name));
    const place = wanted.name.startsWith('count') ? 'spam/1' : 'spam';
    const models = folderWith(Object.fromEntries(files.map(([name, bytes]) => [join(place, name), bytes])));
    await using({ models }, async (started) => {
      expect(started.printed()).toBe('');
      expect(existsSync(join(started.data, 'spam/model'))).toBe(false);
      await expectAnswers(started, wanted);
    });
  });

  it('takes the place of what was trained before, and gives it back when it goes', async () => {
    const data = folderWith({ 'spam/spam.csv': small });
    const models = folderWith();
    await using({ data, models }, async ({ printed }) => expect(printed()).toContain('trained on'));
    const [wanted] = expected.pairs;
    for (const [name, bytes] of Object.entries(readPair(wanted!.name))) put(models, { [`spam/1/${name}`]: bytes });
    await using({ data, models }, (started) => expectAnswers(started, wanted!));
    rmSync(join(models, 'spam'), { recursive: true });
    await using({ data, models }, async ({ model, printed }) => {
      expect(printed()).toBe('');
      expect((await model.predict('prize')).polarity).toBe('Spam');
    });
  });

  it('is not taken for two models that have nothing to do with the app', async () => {
    const models = folderWith(readPair('count-text'));
    await expect(start({ models })).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringContaining('put the two files into a folder "spam"'),
    });
  });
});

describe('a model of another kind', () => {
  const labels = ['low', 'high'];
  const x = { data: Float64Array.of(0, 1, 10, 11), rows: 4, columns: 1 };
  const numbers = withMetadata(
    trainKnnClassifier(
      x,
      readLabels(['low', 'low', 'high', 'high']),
      { features: ['level'], target: 'class' },
      { neighbours: 1, weights: 'uniform' },
    ).model,
  );

  it('is not ready for this app, and the reason is told', async () => {
    const models = folderWith({ 'spam.onnx': numbers });
    await using({ models }, async ({ model, printed }) => {
      expect(printed()).toBe('');
      await expect(model.predict('x')).rejects.toMatchObject({
        code: 'model-not-ready',
        message: expect.stringMatching(/it takes \w+: float64; the app needs/),
      });
    });
    const csv = small.replaceAll('ham', labels[0]!).replaceAll('spam', labels[1]!);
    await using({ data: folderWith({ 'spam/spam.csv': csv }) }, async ({ model }) => {
      await expect(model.predict('x')).rejects.toThrow('it has a class "high"');
    });
  });
});

import {
  type AnswerPlan,
  type Caller,
  type Platform,
  planAnswer,
  type ReadyVersion,
  type TensorSpec,
  tabulate,
  VitrinaError,
} from '../../index.js';
import type { SpamSettings } from './settings.js';
import { trainModel } from './training.js';

export type Polarity = 'Ham' | 'Spam';

export interface SpamPrediction {
  readonly polarity: Polarity;
  /** Of that polarity; nothing where the model has no probabilities. */
  readonly probability: number | null;
}

/** The loaded version as this app uses it. */
interface Classifier {
  readonly ready: ReadyVersion;
  readonly input: TensorSpec;
  readonly plan: AnswerPlan;
}

/** The files that the system wrote which this app replaces. */
const pair = ['vectorizer', 'spam_detector_model'] as const;

/**
 * Tells ham from spam: by the repository's model, which may be the pair of pickles that scikit-learn left, or by one
 * that is trained here where the repository has none.
 */
export class SpamModel {
  private current: Classifier | undefined;
  private training: Promise<void> | undefined;

  constructor(
    private readonly platform: Platform,
    private readonly settings: SpamSettings,
    /** Gets the report of a training. */
    private readonly print: (text: string) => void = (text) => process.stdout.write(text),
  ) {}

  /** Trains where there is no model. Errors: those of `trainModel`, and `model-unsupported` for a pair that lies apart. */
  async prepare(): Promise<void> {
    if (!this.isMissing()) return;
    const names = this.platform.models.names();
    if (pair.every((name) => names.includes(name))) {
      throw new VitrinaError('model-unsupported', {
        what: `${pair.join(' and ')} are two models here, and the app needs both as one`,
        next: `put the two files into a folder "${this.platform.modelName}" inside the folder that is served`,
      });
    }
    this.training ??= trainModel(this.platform, this.settings, this.print).catch((error: unknown) => {
      this.training = undefined;
      throw error;
    });
    await this.training;
  }

  /** Errors: those of `prepare` where nothing was prepared, of `models.get` and of `platform.predict`, `model-not-ready`. */
  async predict(text: string, caller?: Caller, id?: string): Promise<SpamPrediction> {
    const { platform } = this;
    for (;;) {
      const { ready, input, plan } = await this.classifier();
      const shape = input.shape.map(() => 1);
      const prediction = await platform.predict({
        model: platform.modelName,
        ready,
        inputs: { [input.name]: { dtype: 'string', shape, data: [text] } },
        ...(caller === undefined ? {} : { caller }),
        ...(id === undefined ? {} : { id }),
      });
      // Another model may have taken over in between, whose outputs have other names.
      if (prediction.version !== ready) continue;
      const { predict, classes, probabilities } = tabulate(plan, prediction);
      const polarity = polarityOf(String(predict[0]));
      if (polarity === undefined) throw unfit(ready, `it answered ${JSON.stringify(predict[0])}`);
      const place = classes.findIndex((name) => polarityOf(name) === polarity);
      return { polarity, probability: (probabilities?.(0)[place] as number | undefined) ?? null };
    }
  }

  private isMissing(): boolean {
    return !this.platform.models.names().includes(this.platform.modelName);
  }

  private async classifier(): Promise<Classifier> {
    let ready: ReadyVersion;
    try {
      ready = this.ready();
    } catch (error) {
      if (!(error instanceof VitrinaError) || error.code !== 'model-not-found') throw error;
      await this.prepare();
      ready = this.ready();
    }
    if (this.current?.ready !== ready) this.current = describe(ready);
    return this.current;
  }

  private ready(): ReadyVersion {
    return this.platform.models.get(this.platform.modelName);
  }
}

/** Finds out how to ask this version. Errors: `model-not-ready` for one that does not tell ham from spam by a text. */
function describe(ready: ReadyVersion): Classifier {
  const { inputs, outputs } = ready.signature;
  const [input, ...others] = inputs;
  if (input?.dtype !== 'string' || others.length > 0 || input.shape.slice(1).some((size) => size !== 1)) {
    throw unfit(ready, `it takes ${inputs.map(({ name, dtype }) => `${name}: ${dtype}`).join(', ')}`);
  }
  let plan: AnswerPlan;
  try {
    plan = planAnswer({ inputs, outputs }, ready.labels);
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    throw unfit(ready, error.message);
  }
  const strange = plan.classes.find((name) => polarityOf(name) === undefined);
  if (strange !== undefined) throw unfit(ready, `it has a class "${strange}"`);
  return { ready, input, plan };
}

/** People write the classes as words, as 0 and 1, or as False and True. */
function polarityOf(name: string): Polarity | undefined {
  const written = name.trim().toLowerCase();
  if (written === 'spam' || written === 'true' || /^1(\.0*)?$/.test(written)) return 'Spam';
  return written === 'ham' || written === 'false' || /^0(\.0*)?$/.test(written) ? 'Ham' : undefined;
}

function unfit({ model, version }: ReadyVersion, found: string): VitrinaError {
  const reason = `${found}; the app needs a classifier of one text with the classes ham and spam, or 0 and 1.`;
  return new VitrinaError('model-not-ready', { model, version, reason });
}

import type { FastifyBaseLogger } from 'fastify';
import { type Problem, VitrinaError } from '../../errors.js';
import type { TensorSpec } from '../../signature.js';
import type { Collector } from '../metrics/exposition.js';
import type {
  Affinity,
  Prediction,
  PredictionObserver,
  PredictionRequest,
  VersionChooser,
} from '../predictions/prediction-service.js';
import type { ModelRepository } from '../repository/model-repository.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import type { Siblings } from '../siblings.js';
import type { TrafficPolicy } from './policy.js';
import { PolicyStore } from './policy-store.js';
import { Shadow } from './shadow.js';
import { noCounts, type ShadowCounts, sumCounts } from './shadow-figures.js';
import { placeOf } from './split.js';

/** How often another process's changes are looked for, and after how many looks the policies are read anyway. */
const pollMs = 500;
const looksPerRead = 60;

export interface TrafficOptions {
  readonly models: ModelRepository;
  /** Folder that holds a folder for each model. */
  readonly folder: string;
  readonly siblings: Siblings;
  readonly log: FastifyBaseLogger;
  /** From 0 to 1, for tests; `Math.random` unless given. */
  readonly chance?: () => number;
  readonly shadow?: Shadow;
}

/** What one process knows of the traffic of a model. Survives `structuredClone`. */
interface Figures {
  readonly answered: Record<string, number>;
  readonly shadow: ShadowCounts;
}

interface Entry {
  readonly policy: TrafficPolicy;
  /** Predictions for requests that named no version, by the version that answered, since the policy was put. */
  readonly answered: Record<string, number>;
  readonly shadow: ShadowCounts;
}

/**
 * The traffic policies of the models: which version answers a request that names none, and whose copies a shadow
 * computes. Policies lie in files; a change is heard by the other processes of the server before it is answered, and
 * found within a second by other servers on the same data folder.
 */
export class Traffic implements VersionChooser, PredictionObserver {
  private readonly entries = new Map<string, Entry>();
  private readonly store: PolicyStore;
  private readonly shadow: Shadow;
  private readonly chance: () => number;
  private timer: NodeJS.Timeout | undefined;
  private seen = '';
  private looks = 0;

  constructor(private readonly options: TrafficOptions) {
    const { models, folder, siblings, chance = Math.random, shadow } = options;
    this.store = new PolicyStore(folder);
    this.shadow = shadow ?? new Shadow((model, version) => models.acquire(model, version));
    this.chance = chance;
    for (const model of this.store.models()) this.read(model);
    siblings.answer('traffic-changed', (model) => this.read(model as string));
    siblings.answer('traffic-figures', (model) => this.figuresOf(model as string));
    models.on('change', ({ model, version, state }) => {
      if (state === undefined && this.entries.has(model)) this.endPart(model, version);
    });
    this.poll();
  }

  /** The version that a policy gives a request which names none; nothing where it is the default. */
  choose(model: string, affinity: Affinity | undefined): string | undefined {
    if (this.entries.size === 0) return undefined;
    const policy = this.entries.get(model)?.policy;
    const canary = policy?.canary;
    if (canary === undefined) return undefined;
    const header = policy!.sticky === undefined ? undefined : affinity?.[policy!.sticky];
    const place =
      typeof header === 'string' && header !== '' ? placeOf(`${model}/${canary.version}`, header) : this.chance();
    return place < canary.weight ? canary.version : undefined;
  }

  asked(request: PredictionRequest, ready: ReadyVersion): ((prediction: Prediction) => void) | undefined {
    if (this.entries.size === 0 || request.version !== undefined) return undefined;
    const entry = this.entries.get(request.model);
    const shadow = entry?.policy.shadow;
    if (entry === undefined || shadow === undefined || shadow.version === ready.version) return undefined;
    if (shadow.fraction < 1 && this.chance() >= shadow.fraction) return undefined;
    return this.shadow.follow(request, shadow, entry.shadow);
  }

  answered({ model, version }: PredictionRequest, prediction: Prediction): void {
    if (this.entries.size === 0 || version !== undefined) return;
    const entry = this.entries.get(model);
    if (entry === undefined) return;
    const by = prediction.version.version;
    entry.answered[by] = (entry.answered[by] ?? 0) + 1;
  }

  /** The policy of a model and what has come of it, of all processes. Errors: `model-not-found`. */
  async view(model: string) {
    const { models, siblings } = this.options;
    models.versions(model);
    const others = (await siblings.ask('traffic-figures', model)) as (Figures | undefined)[];
    const policy = this.entries.get(model)?.policy;
    const all = [this.figuresOf(model), ...others].filter((figures) => figures !== undefined);
    const answered: Record<string, number> = {};
    for (const figures of all) {
      for (const [version, count] of Object.entries(figures.answered)) {
        answered[version] = (answered[version] ?? 0) + count;
      }
    }
    return {
      model,
      default: models.defaultVersion(model) ?? null,
      canary: policy?.canary ?? null,
      sticky: policy?.sticky ?? null,
      shadow:
        policy?.shadow === undefined ? null : { ...policy.shadow, ...sumCounts(all.map((figures) => figures.shadow)) },
      answered,
    };
  }

  /**
   * Puts a policy into force, everywhere, once its versions are loaded.
   * Errors: `model-not-found`, `request-invalid` for versions that are not there or that take other inputs, and those
   * of loading.
   */
  async put(model: string, policy: TrafficPolicy): Promise<void> {
    const { models } = this.options;
    const known = models.versions(model).map(({ version }) => version);
    const parts = (['canary', 'shadow'] as const).filter((part) => policy[part] !== undefined);
    for (const part of parts) {
      const { version } = policy[part]!;
      if (known.includes(version)) continue;
      throw invalid(`${part}.version`, `there is no version "${version}"; the versions are ${known.join(', ')}`);
    }
    const serving = await models.acquire(model);
    for (const part of parts) {
      const { version } = policy[part]!;
      if (version === serving.version) {
        throw invalid(
          `${part}.version`,
          `version ${version} is the default already; name another, or change the default`,
        );
      }
      const loaded = await models.acquire(model, version);
      const fault = inputFault(serving, loaded);
      if (fault !== undefined) throw invalid(`${part}.version`, fault);
    }
    this.store.write(model, policy);
    await this.changed(model);
  }

  /** All traffic goes to the default again. Errors: `model-not-found`. */
  async remove(model: string): Promise<void> {
    this.options.models.versions(model);
    this.store.remove(model);
    await this.changed(model);
  }

  /** What shadows of this process came to, for metrics. */
  collect(into: Collector): void {
    for (const [model, { policy, shadow }] of this.entries) {
      if (policy.shadow === undefined) continue;
      const { version } = policy.shadow;
      const { compared, differing, failed, dropped } = shadow;
      for (const [result, count] of Object.entries({ compared, differing, failed, dropped })) {
        into.add('vitrina_shadow_predictions_total', { model, version, result }, count);
      }
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.shadow.close();
  }

  private async changed(model: string): Promise<void> {
    this.read(model);
    await this.options.siblings.ask('traffic-changed', model);
  }

  private figuresOf(model: string): Figures | undefined {
    const entry = this.entries.get(model);
    return entry === undefined ? undefined : { answered: entry.answered, shadow: entry.shadow };
  }

  /** Takes what the file says; figures go on where the part that they are about stayed as it was. */
  private read(model: string): void {
    let policy: TrafficPolicy | undefined;
    try {
      policy = this.store.read(model);
    } catch (error) {
      // Without a policy that can be read, the default answers; what was in force here stays so.
      this.options.log.error({ model, err: error }, 'A traffic policy cannot be read');
      return;
    }
    const old = this.entries.get(model);
    if (policy === undefined) this.entries.delete(model);
    else if (!isSame(policy, old?.policy)) {
      this.entries.set(model, {
        policy,
        answered: {},
        shadow: old !== undefined && isSame(policy.shadow, old.policy.shadow) ? old.shadow : noCounts(),
      });
    }
  }

  /** A version went away: what the policy said of it ends. */
  private endPart(model: string, version: string): void {
    const { log } = this.options;
    try {
      // Another process may have put a new policy meanwhile, which must not be lost.
      const policy = this.store.read(model);
      const { canary, sticky, shadow } = policy ?? {};
      const keepsCanary = canary !== undefined && canary.version !== version;
      const keepsShadow = shadow !== undefined && shadow.version !== version;
      if (policy !== undefined && (canary?.version === version || shadow?.version === version)) {
        if (!keepsCanary && !keepsShadow) this.store.remove(model);
        else {
          this.store.write(model, {
            ...(keepsCanary ? { canary, ...(sticky === undefined ? {} : { sticky }) } : {}),
            ...(keepsShadow ? { shadow } : {}),
          });
        }
        const part = canary?.version === version ? 'canary' : 'shadow';
        log.warn(
          { model, version },
          `The version was the ${part} of its model and is gone; that part of the policy ends`,
        );
      }
      this.read(model);
    } catch (error) {
      log.error({ model, version, err: error }, 'A traffic policy cannot be changed');
    }
  }

  private poll(): void {
    this.timer = setTimeout(() => {
      void this.look()
        .catch((error: unknown) => this.options.log.error({ err: error }, 'Traffic policies cannot be read'))
        .then(() => {
          if (this.timer !== undefined) this.poll();
        });
    }, pollMs);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const generation = await this.store.generation();
    this.looks = (this.looks + 1) % looksPerRead;
    if (generation === this.seen && this.looks !== 0) return;
    this.seen = generation;
    for (const model of new Set([...this.entries.keys(), ...this.store.models()])) this.read(model);
  }
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Callers must not be able to tell by a refusal which version they got: both take the same names, types and sizes. */
function inputFault(serving: ReadyVersion, other: ReadyVersion): string | undefined {
  const describe = ({ signature }: ReadyVersion) =>
    signature.inputs.map(({ name, dtype, shape, columns }: TensorSpec) => ({ name, dtype, shape, columns }));
  const [mine, theirs] = [describe(serving), describe(other)];
  if (isSame(mine, theirs)) return undefined;
  const text = (inputs: typeof mine) =>
    inputs
      .slice(0, 5)
      .map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape.map((size) => size ?? '?').join(', ')}]`)
      .join('; ');
  return `version ${other.version} takes other inputs (${text(theirs)}) than the default, version ${serving.version} (${text(mine)})`;
}

function invalid(path: string, message: string): VitrinaError {
  return new VitrinaError('request-invalid', { problems: [{ path, message } satisfies Problem] });
}

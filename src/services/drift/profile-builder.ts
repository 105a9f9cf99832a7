import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { copyTensors, type Tensor } from '../../tensor.js';
import { checkGuards, checkInputs } from '../predictions/prediction-service.js';
import type { ReadyVersion } from '../repository/ready-version.js';
import { type Profile, type ProfiledFeature, profileValues } from './profile.js';
import { forEachValue, type Scalar, type Watched, watchedOf } from './watched.js';

type Tensors = Readonly<Record<string, Tensor>>;

/** Values that are gathered for one profile; rows beyond are not needed to know quantiles. */
const mostValues = 4_000_000;
/** Rows that the version computes at a time, so that others are answered between them. */
const chunkRows = 500;

/** Gathers rows with their predictions until they are made a profile. */
export class ProfileBuilder {
  rows = 0;
  private readonly watched: readonly Watched[];
  private readonly of: Pick<Profile, 'model' | 'version' | 'sha256'>;
  private readonly values: (Scalar | undefined)[][];
  private gathered = 0;

  constructor(ready: ReadyVersion) {
    // The version itself may be unloaded before the builder has enough.
    const { model, version, sha256 } = ready;
    this.of = { model, version, sha256 };
    this.watched = watchedOf(ready);
    this.values = this.watched.map(() => []);
  }

  /** Whether more rows would not be kept. */
  get full(): boolean {
    return this.gathered >= mostValues;
  }

  add(inputs: Tensors, outputs: Tensors, rows: number): void {
    if (this.full) return;
    this.rows += rows;
    for (const [i, watched] of this.watched.entries()) {
      const values = this.values[i]!;
      const before = values.length;
      forEachValue(watched, watched.side === 'input' ? inputs : outputs, 0, 1, 0, (value) => values.push(value));
      this.gathered += values.length - before;
    }
  }

  /** One feature a turn of the event loop: quantiles of millions of values take a while. */
  async build(source: Profile['source']): Promise<Profile> {
    const features: ProfiledFeature[] = [];
    for (const [i, watched] of this.watched.entries()) {
      features.push(profileValues(watched, this.values[i]!));
      await nextTurn();
    }
    const created = new Date().toISOString();
    return { format: 1, id: randomUUID(), ...this.of, created, source, rows: this.rows, features };
  }
}

/**
 * The profile of reference rows: of their inputs, and of what the version predicts for them.
 * Errors: `request-invalid` for inputs that do not fit the signature, and those of `Batcher.submit`.
 */
export async function profileRows(version: ReadyVersion, inputs: Tensors): Promise<Profile> {
  const rows = checkInputs(version.signature, inputs);
  const builder = new ProfileBuilder(version);
  const batched = version.signature.inputs.every(({ shape }) => shape[0] === null);
  const step = batched ? chunkRows : rows;
  for (let from = 0; from < rows && !builder.full; from += step) {
    const to = Math.min(rows, from + step);
    const chunk = batched ? sliceRows(inputs, from, to) : inputs;
    // The buffers that are computed with are given away.
    const given = copyTensors(chunk);
    const { outputs } = await version.batcher.submit(given, to - from, { gone: false, priority: 'low' });
    builder.add(chunk, checkGuards(version.guards, outputs), to - from);
  }
  return builder.build('reference');
}

function sliceRows(inputs: Tensors, from: number, to: number): Record<string, Tensor> {
  const sliced: Record<string, Tensor> = {};
  for (const name in inputs) {
    const { dtype, shape, data } = inputs[name]!;
    const width = data.length / shape[0]!;
    const rows = data.slice(from * width, to * width) as Tensor['data'];
    sliced[name] = { dtype, shape: [to - from, ...shape.slice(1)], data: rows };
  }
  return sliced;
}

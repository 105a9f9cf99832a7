import { VitrinaError } from '../../errors.js';
import type { Hdf5Dataset, Hdf5Group } from '../../formats/hdf5/index.js';
import { float16ToNumber, type Tensor } from '../../tensor.js';
import type { KerasModelSource } from './source.js';

/** The variables of one layer, whichever of the three layouts the file has. */
export interface LayerWeights {
  /**
   * The variable `name`, checked to have `shape`; floats come as float32. Read variables in the order in which Keras
   * creates them: the `.keras` layout numbers them and names none.
   */
  read(name: string, shape: readonly number[]): Tensor;
  /** Shape of the variable `name` (the next one, in a `.keras` file), `undefined` when there is none. */
  peek(name: string): readonly number[] | undefined;
  /** The text that the layer keeps beside its variables; `undefined` when there is none. */
  text(name: string): string | undefined;
  /**
   * The variables of an inner layer. `attribute` is the Python attribute that holds it (a `.keras` file is laid out by
   * attributes; give every spelling that versions of Keras used), `name` matches its own name (an `.h5` file is laid
   * out by names, of which the first that occurs counts; absent: an inner layer that adds no name, or that has all the
   * variables).
   */
  child(attribute: string | readonly string[], name?: string | readonly (string | RegExp)[]): LayerWeights;
  /**
   * The variables of each layer of a nested model, by the layer's name. `list` holds all its layers, in order;
   * `attribute` is the Python list that holds them, `layers` unless told.
   */
  layers(list: readonly LayerEntry[], attribute?: string): ReadonlyMap<string, LayerWeights>;
}

export interface LayerEntry {
  readonly name: string;
  readonly className: string;
  /** Names of the layers inside it, at any depth. */
  readonly inner: readonly string[];
}

/** The whole of an `.h5` file: one group a layer under `model_weights`, each with its list `weight_names`. */
export function hdf5Weights(group: Hdf5Group): LayerWeights {
  const refuse = (): never => {
    throw new Error('The root of an .h5 file holds layers, no variables of its own.');
  };
  return {
    read: refuse,
    peek: refuse,
    text: refuse,
    child: refuse,
    layers: (list) =>
      new Map(list.map(({ name }) => [name, new NamedWeights(name, namedVariables(name, descend(group, name)))])),
  };
}

/** The whole of a `.keras` file: groups of its `model.weights.h5` by attribute and class, `layers/dense_1/vars/0`. */
export function archiveWeights(
  { weights, texts, version }: Pick<KerasModelSource, 'weights' | 'texts' | 'version'>,
  model: string,
): LayerWeights {
  const datasets = new Map<string, Hdf5Dataset>();
  const walk = (group: Hdf5Group, path: string): void => {
    for (const name of group.names()) {
      // Keras on Windows wrote `layers\dense` as the name of one group, which Keras elsewhere cannot find.
      const childPath = `${path}/${name.replaceAll('\\', '/')}`;
      if (/^\/_?optimizer\b/.test(childPath)) continue;
      const child = group.child(name)!;
      if (child.kind === 'group') walk(child, childPath);
      else datasets.set(childPath, child);
    }
  };
  walk(weights, '');
  return new NumberedWeights(model, '', { datasets, texts }, /^2\.1[23]\./.test(version));
}

interface NamedVariable {
  /** Path of the variable's name without the leaf: `['lstm', 'lstm_cell']`. */
  readonly scope: readonly string[];
  /** `kernel`, of `lstm/lstm_cell/kernel:0`. */
  readonly leaf: string;
  readonly dataset: Hdf5Dataset;
}

class NamedWeights implements LayerWeights {
  constructor(
    private readonly owner: string,
    private readonly variables: readonly NamedVariable[],
  ) {}

  read(name: string, shape: readonly number[]): Tensor {
    const found = this.variables.filter(({ leaf }) => leaf === name);
    if (found.length > 1) throw mismatch(this.owner, name, `${found.length} variables of that name`, shape);
    return readVariable(this.owner, name, found[0]?.dataset, shape);
  }

  peek(name: string): readonly number[] | undefined {
    return this.variables.find(({ leaf }) => leaf === name)?.dataset.shape;
  }

  text(): undefined {
    return undefined;
  }

  child(_attribute: string | readonly string[], name?: string | readonly (string | RegExp)[]): LayerWeights {
    if (name === undefined) return this;
    const shares = (typeof name === 'string' ? [name] : name).map((wanted) =>
      this.variables.filter(({ scope }) =>
        scope.some((part) => (typeof wanted === 'string' ? part === wanted : wanted.test(part))),
      ),
    );
    return new NamedWeights(this.owner, shares.find((share) => share.length > 0) ?? []);
  }

  /**
   * A variable belongs to the layer whose name comes first in its scope. Keras 2 leaves out the names of models, so
   * that the names of layers further inside stand for them; Keras 3 begins with the name of the model itself.
   */
  layers(list: readonly LayerEntry[]): ReadonlyMap<string, LayerWeights> {
    const owners = new Map<string, string>();
    for (const { name, inner } of list) for (const part of inner) owners.set(part, name);
    for (const { name } of list) owners.set(name, name);
    const prefixed =
      this.variables.length > 0 && this.variables.every(({ scope }) => scope[0] === this.owner && scope.length > 1);
    const shares = new Map<string, NamedVariable[]>(list.map(({ name }) => [name, []]));
    for (const variable of this.variables) {
      if (variable.scope.length === 0) {
        // Keras before 3.3 wrote bare names, of which each could occur once: whoever asks for it is meant.
        for (const share of shares.values()) share.push(variable);
        continue;
      }
      const scope = prefixed ? variable.scope.slice(1) : variable.scope;
      const part = scope.find((candidate) => owners.has(candidate));
      if (part === undefined) {
        const path = [...scope, variable.leaf].join('/');
        throw new VitrinaError('weights-unplaced', { layer: this.owner, variable: path });
      }
      shares.get(owners.get(part)!)!.push({ ...variable, scope });
    }
    return new Map([...shares].map(([name, variables]) => [name, new NamedWeights(name, variables)]));
  }
}

interface ArchiveContent {
  readonly datasets: ReadonlyMap<string, Hdf5Dataset>;
  readonly texts: ReadonlyMap<string, string>;
}

class NumberedWeights implements LayerWeights {
  private readonly order: string[] = [];

  constructor(
    private readonly owner: string,
    private readonly path: string,
    private readonly content: ArchiveContent,
    private readonly doubled: boolean,
  ) {}

  read(name: string, shape: readonly number[]): Tensor {
    let index = this.order.indexOf(name);
    if (index < 0) index = this.order.push(name) - 1;
    return readVariable(this.owner, name, this.content.datasets.get(`${this.path}/vars/${index}`), shape);
  }

  peek(name: string): readonly number[] | undefined {
    const index = this.order.indexOf(name);
    return this.content.datasets.get(`${this.path}/vars/${index < 0 ? this.order.length : index}`)?.shape;
  }

  text(name: string): string | undefined {
    return this.content.texts.get(`${this.path.slice(1)}/${name}`);
  }

  child(attribute: string | readonly string[]): LayerWeights {
    const candidates = (typeof attribute === 'string' ? [attribute] : attribute).map((name) => `${this.path}/${name}`);
    const path = candidates.find((candidate) => this.holds(candidate)) ?? candidates[0]!;
    return new NumberedWeights(this.owner, path, this.content, this.doubled);
  }

  /**
   * Groups are named after classes and counted. Keras before 2.15 went through `_layer_checkpoint_dependencies`, which
   * lists a layer that has variables by two keys, and before 2.14 counted it twice (`doubled`).
   */
  layers(list: readonly LayerEntry[], attribute = 'layers'): ReadonlyMap<string, LayerWeights> {
    const early = '_layer_checkpoint_dependencies';
    const old = !this.holds(`${this.path}/${attribute}`) && this.holds(`${this.path}/${early}`);
    const container = `${this.path}/${old ? early : attribute}`;
    const used = new Map<string, number>();
    return new Map(
      list.map(({ name, className }) => {
        const stem = snakeCase(className);
        const count = used.get(stem) ?? 0;
        const path = `${container}/${count === 0 ? stem : `${stem}_${count}`}`;
        used.set(stem, count + (old && this.doubled && this.holds(path) ? 2 : 1));
        return [name, new NumberedWeights(name, path, this.content, this.doubled)];
      }),
    );
  }

  private holds(path: string): boolean {
    const { datasets, texts } = this.content;
    for (const key of datasets.keys()) if (key.startsWith(`${path}/`)) return true;
    for (const key of texts.keys()) if (`/${key}`.startsWith(`${path}/`)) return true;
    return false;
  }
}

/** `Conv2DTranspose` → `conv2d_transpose`, as keras/src/utils/naming.py does. */
export function snakeCase(className: string): string {
  // The one layer of Keras 3 that is exported under another name than its class has.
  return (className === 'GroupQueryAttention' ? 'GroupedQueryAttention' : className)
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

function descend(group: Hdf5Group, path: string): Hdf5Group | Hdf5Dataset | undefined {
  let here: Hdf5Group | Hdf5Dataset | undefined = group;
  // A name may end in a slash, or begin with one.
  for (const part of path.split('/').filter((name) => name !== '')) {
    here = here?.kind === 'group' ? here.child(part) : undefined;
  }
  return here;
}

function namedVariables(layer: string, group: Hdf5Group | Hdf5Dataset | undefined): NamedVariable[] {
  if (group?.kind !== 'group') return [];
  return stringList(group, 'weight_names').map((path) => {
    const dataset = descend(group, path);
    if (dataset?.kind !== 'dataset') {
      const what = `the variable ${path} of layer "${layer}" is listed, but not there`;
      throw new VitrinaError('artefact-malformed', { format: 'Keras .h5', what });
    }
    const scope = path.split('/');
    const leaf = scope.pop()!.replace(/:\d+$/, '');
    return { scope, leaf, dataset };
  });
}

/** An attribute that holds a list of strings; Keras splits a long one into `name0`, `name1`, … */
export function stringList(group: Hdf5Group, name: string): string[] {
  const values: string[] = [];
  const add = (key: string): boolean => {
    const value = group.attributes.get(key);
    if (value === undefined) return false;
    if (typeof value === 'string') values.push(value);
    else if (Array.isArray(value)) values.push(...value.map(String));
    // An empty list is stored as an empty array of floats.
    return true;
  };
  if (!add(name)) for (let i = 0; add(`${name}${i}`); i++);
  return values;
}

function readVariable(layer: string, name: string, dataset: Hdf5Dataset | undefined, shape: readonly number[]): Tensor {
  if (dataset === undefined) throw mismatch(layer, name, 'no such variable', shape);
  if (dataset.shape.length !== shape.length || dataset.shape.some((size, axis) => size !== shape[axis])) {
    throw mismatch(layer, name, `shape [${dataset.shape.join(', ')}]`, shape);
  }
  const tensor = dataset.read();
  switch (tensor.dtype) {
    case 'float64':
      return { dtype: 'float32', shape, data: Float32Array.from(tensor.data as Float64Array) };
    case 'float16':
      return { dtype: 'float32', shape, data: Float32Array.from(tensor.data as Uint16Array, float16ToNumber) };
    default:
      return tensor;
  }
}

function mismatch(layer: string, variable: string, found: string, expected: readonly number[]): VitrinaError {
  return new VitrinaError('weights-mismatch', { layer, variable, found, expected: expected.join(', ') });
}

import { float16ToNumber, numberToFloat16, type Tensor } from '../../tensor.js';
import type { GraphBuilder, Value } from '../graph-builder.js';
import type { JsonObject } from './config.js';
import { LayerConfig } from './config.js';
import { type CallValue, castTensor, isTensor, type KerasTensor, type Layer, type LayerConverter } from './layer.js';
import { mapObject } from './nodes.js';
import { type ComputeType, readPolicy, roundToHalf } from './policy.js';
import { writtenSince } from './version.js';
import type { LayerWeights } from './weights.js';

/** 1 GiB of float32. */
const MAX_ROW_ELEMENTS = 2 ** 28;

/** The arguments of one call, tensors resolved. */
export interface CallArguments {
  readonly first: CallValue | undefined;
  readonly args: readonly CallValue[];
  readonly kwargs: { readonly [name: string]: CallValue };
}

/** A layer or a nested model: something that can be called, once or many times. */
export interface Callable {
  readonly name: string;
  /** Set where a call takes the masks off the tensors it is given. */
  readonly takesMasks?: boolean;
  call(call: CallArguments): KerasTensor[];
}

/** What every callable of one conversion shares. */
export interface Context {
  readonly graph: GraphBuilder;
  readonly generation: 2 | 3;
  readonly version: string;
  /** Makes the callable of a `{class_name, config}`. */
  build(json: JsonObject, weights: LayerWeights): Callable;
  /** Counts a call, so that models nested in models cannot grow a graph without end. */
  countCall(): void;
}

/** One layer with its converter, its weights and the initializers made of them. */
export class LayerInstance implements Callable {
  readonly name: string;
  readonly takesMasks: boolean;
  private readonly layer: Layer;
  private readonly compute: ComputeType;
  private readonly weights: LayerWeights;
  private readonly constants = new Map<string, Value>();
  private readonly inner = new Map<JsonObject, Callable>();

  constructor(
    private readonly context: Context,
    className: string,
    config: JsonObject,
    private readonly converter: LayerConverter,
    weights: LayerWeights,
  ) {
    this.name = typeof config.name === 'string' ? config.name : className;
    const { generation, version } = context;
    const layerConfig = new LayerConfig(this.name, className, config);
    this.layer = { className, name: this.name, config: layerConfig, generation, version };
    this.takesMasks = converter.takesMasks?.(this.layer) ?? false;
    this.compute = converter.options === 'own' ? 'float32' : readPolicy(this.name, className, layerConfig.get('dtype'));
    this.weights = this.compute === 'float16' ? halfWeights(weights) : weights;
    if (converter.options !== 'own') layerConfig.checkOptions(converter.options);
  }

  call({ first, args, kwargs }: CallArguments): KerasTensor[] {
    const { graph } = this.context;
    this.context.countCall();
    // In Keras 3 `predict` has the last word, and layers of images record training=True because it is their default.
    if (kwargs.training === true && this.context.generation === 2) {
      this.layer.config.refuse(
        'it is called with training=True, which makes its answer random or dependent on the batch',
      );
    }
    this.checkArguments(args, kwargs);
    const prepared = mapTensors(first, (tensor) => this.prepare(tensor));
    const call = {
      graph,
      layer: this.layer,
      weights: this.weights,
      first: prepared,
      inputs: withMasks(tensorsIn(prepared), kwargs.mask),
      args: args.map((value) => mapTensors(value, (tensor) => this.prepare(tensor))!),
      kwargs: mapObject(kwargs, (value) => mapTensors(value, (tensor) => this.prepare(tensor))!),
      constant: (key: string, make: () => Tensor): Value => {
        let value = this.constants.get(key);
        if (value === undefined) {
          value = graph.constant(make(), `${this.name}/${key}`);
          this.constants.set(key, value);
        }
        return value;
      },
      callInner: (json: JsonObject, weights: LayerWeights, inputs: readonly KerasTensor[]): KerasTensor[] => {
        let callable = this.inner.get(json);
        if (callable === undefined) {
          callable = this.context.build(json, weights);
          this.inner.set(json, callable);
        }
        return callable.call({ first: inputs.length === 1 ? inputs[0]! : inputs, args: [], kwargs: {} });
      },
    };
    for (const { shape, dtype } of call.inputs) {
      this.checkSize(shape);
      // ONNX would read numbers from them, and Keras does not.
      if (dtype === 'string' && this.converter.takesTexts !== true) this.layer.config.refuse('it is given texts');
    }
    const outputs = this.converter.convert(call);
    // A mask given by name goes on with the outputs in Keras 2 and since 3.11; in between, the input's own does.
    const own = this.context.generation === 3 && !writtenSince(this.layer, 3, 11);
    const source = own ? tensorsIn(prepared)[0] : call.inputs[0];
    const mask = this.converter.masks === 'pass' ? source?.mask : undefined;
    return outputs.map((output) => {
      this.checkSize(output.shape);
      const { mask: set, ...plain } = this.compute === 'float16' ? roundToHalf(graph, output) : output;
      const kept = this.converter.masks === 'own' ? set : mask;
      return kept === undefined ? plain : { ...plain, mask: kept };
    });
  }

  /** A file must not make one row grow without end: repeating, padding and upsampling take a size on its word. */
  private checkSize(shape: KerasTensor['shape']): void {
    const elements = shape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);
    if (elements > MAX_ROW_ELEMENTS) {
      this.layer.config.refuse(`it has ${elements} elements a row, over the limit of ${MAX_ROW_ELEMENTS}`);
    }
  }

  /** An argument that no one reads could change numbers. */
  private checkArguments(args: CallArguments['args'], kwargs: CallArguments['kwargs']): void {
    if (this.converter.options === 'own') return;
    const known = this.converter.arguments ?? [];
    const stray = Object.keys(kwargs).find(
      (name) => !known.includes(name) && name !== 'mask' && name !== 'training' && kwargs[name] !== null,
    );
    if (stray !== undefined) this.layer.config.refuse(`it is called with ${stray}, which is not known here`);
    if (args.length > known.length && args.slice(known.length).some((value) => value !== null)) {
      this.layer.config.refuse(`it is called with ${args.length + 1} arguments and takes ${known.length + 1}`);
    }
  }

  /** Keras casts floating inputs to the layer's compute type, and leaves integers alone. */
  private prepare(tensor: KerasTensor): KerasTensor {
    if (tensor.dtype !== 'float64' && tensor.dtype !== 'float16' && tensor.dtype !== 'float32') return tensor;
    const single = castTensor(this.context.graph, tensor, 'float32');
    return this.compute === 'float16' ? roundToHalf(this.context.graph, single) : single;
  }
}

/** Applies `map` to every tensor in an argument. */
export function mapTensors(
  value: CallValue | undefined,
  map: (tensor: KerasTensor) => KerasTensor,
): CallValue | undefined {
  if (value === undefined) return undefined;
  if (isTensor(value)) return map(value);
  if (Array.isArray(value)) return value.map((item: CallValue) => mapTensors(item, map)!);
  if (typeof value === 'object' && value !== null) {
    return mapObject(value as { [key: string]: CallValue }, (item) => mapTensors(item, map)!);
  }
  return value;
}

/** The tensors of an argument, flattened as Keras does: dictionaries by their sorted keys. */
export function tensorsIn(value: CallValue | undefined): KerasTensor[] {
  if (value === undefined || value === null || typeof value !== 'object') return [];
  if (isTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap((item: CallValue) => tensorsIn(item));
  const object = value as { [key: string]: CallValue };
  return Object.keys(object)
    .sort()
    .flatMap((key) => tensorsIn(object[key]));
}

/** A `mask` argument of the call stands over the masks that tensors carry. */
function withMasks(inputs: readonly KerasTensor[], mask: CallValue | undefined): readonly KerasTensor[] {
  const masks = isTensor(mask) ? [mask] : Array.isArray(mask) ? (mask as readonly CallValue[]) : [];
  return inputs.map((input, i) => {
    const own = masks[i];
    return isTensor(own) ? { ...input, mask: { value: own.value, shape: own.shape } } : input;
  });
}

/** Variables as a float16 layer sees them: Keras keeps float32 and casts on every use. */
function halfWeights(weights: LayerWeights): LayerWeights {
  return {
    read: (name, shape) => {
      const tensor = weights.read(name, shape);
      if (tensor.dtype !== 'float32') return tensor;
      const data = Float32Array.from(tensor.data as Float32Array, (x) => float16ToNumber(numberToFloat16(x)));
      return { ...tensor, data };
    },
    peek: (name) => weights.peek(name),
    text: (name) => weights.text(name),
    child: (attribute, name) => halfWeights(weights.child(attribute, name)),
    layers: (list, attribute) =>
      new Map([...weights.layers(list, attribute)].map(([name, inner]) => [name, halfWeights(inner)])),
  };
}

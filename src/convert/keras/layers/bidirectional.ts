import type { Value } from '../../graph-builder.js';
import { isCustom, isObject, type Json, LayerConfig, nameOf } from '../config.js';
import { fixedSize, type KerasTensor, type LayerCall, type LayerConverter } from '../layer.js';
import { reverseTime } from '../recurrent.js';
import {
  type Cell,
  cellOptions,
  readCell,
  readCells,
  readWalk,
  recurrentOptions,
  type Walk,
} from '../recurrent-cell.js';
import type { LayerWeights } from '../weights.js';
import { recurrentArguments, recurrentInputs, type WalkResult, walkCells } from './recurrent.js';

/**
 * [batch, time, features] → what the wrapped layer gives, for both directions merged: `concat` joins the last axis,
 * `sum`, `mul`, `ave` keep the shape, none gives both. Then the states of both.
 */
export const bidirectional: LayerConverter = {
  classNames: ['Bidirectional'],
  masks: 'own',
  options: ['layer', 'backward_layer', 'merge_mode', 'num_constants'],
  arguments: recurrentArguments,
  convert(call) {
    const { graph, layer, weights } = call;
    const { config } = layer;
    const { sequence, initial, mask } = recurrentInputs(call);
    if (initial.length % 2 !== 0) config.refuse(`it is given ${initial.length} states for two directions`);
    const features = fixedSize(call, sequence, -1);
    const forwardJson = innerLayer(config, config.get('layer'));
    const backwardJson = config.get('backward_layer');
    const directions = (['forward', 'backward'] as const).map((direction) => {
      const custom = direction === 'backward' && backwardJson !== null;
      const inner = custom ? innerLayer(config, backwardJson) : forwardJson;
      const share = weights.child(`${direction}_layer`, scopeOf(direction, inner));
      const read = readWalk(inner);
      const mirrored = direction === 'backward' && !custom;
      // Keras makes masked steps 0 whenever both sequences are merged step by step.
      const walk = { ...read, goBackwards: read.goBackwards !== mirrored, zeroOutputForMask: read.returnSequences };
      return { walk, cells: readLayerCells(call, inner, share, features, `${direction}/`) };
    });
    const [forward, backward] = directions as [(typeof directions)[0], (typeof directions)[0]];
    checkDirections(config, forward.walk, backward.walk);
    const half = initial.length / 2;
    const first = walkCells(call, forward.cells, sequence, initial.slice(0, half), forward.walk);
    const second = walkCells(call, backward.cells, sequence, initial.slice(half), backward.walk);
    const sequences = forward.walk.returnSequences;
    const outputs = [first.output, sequences ? reverseTime(graph, second.output) : second.output] as const;
    const merged = merge(call, outputs, first, second);
    const [batch = null, time = null] = sequence.shape;
    const tensor = (value: Value, units: number, main: boolean): KerasTensor => ({
      value,
      dtype: 'float32',
      shape: main && sequences ? [batch, time, units] : [batch, units],
      ...(main && sequences && mask !== undefined && { mask }),
    });
    const states = forward.walk.returnState ? [...first.states, ...second.states] : [];
    return [
      ...merged.map(({ value, units }) => tensor(value, units, true)),
      ...states.map(({ value, units }) => tensor(value, units, false)),
    ];
  },
};

function innerLayer(config: LayerConfig, json: Json): LayerConfig {
  if (!isObject(json) || !isObject(json.config) || typeof json.class_name !== 'string') {
    return config.refuse('it wraps no layer');
  }
  if (isCustom(json)) {
    const name = nameOf(json.registered_name ?? json.class_name).slice(0, 80);
    return config.refuse(`it wraps ${name}, which is not one of Keras' own layers`);
  }
  const inner = new LayerConfig(config.layer, json.class_name, json.config);
  inner.checkOptions(json.class_name === 'RNN' ? ['cell', ...recurrentOptions] : [...cellOptions, ...recurrentOptions]);
  return inner;
}

/**
 * Keras puts the direction before the name of its copy; a backward layer of the user's own may keep its name. The scope
 * before is the wrapper's, which may be called `forward_…` itself.
 */
function scopeOf(direction: string, inner: LayerConfig): readonly (string | RegExp)[] {
  const name = nameOf(inner.get('name'));
  return [`${direction}_${name}`, name, new RegExp(`^${direction}_`)];
}

function readLayerCells(
  call: LayerCall,
  inner: LayerConfig,
  weights: LayerWeights,
  features: number,
  key: string,
): Cell[] {
  if (inner.className === 'RNN') return readCells(call, inner, weights, features, key);
  return [readCell(call, inner.className, inner, weights.child('cell'), features, `${key}cell`)];
}

function checkDirections(config: LayerConfig, forward: Walk, backward: Walk): void {
  if (forward.goBackwards === backward.goBackwards) config.refuse('both its layers go in the same direction');
  if (forward.returnSequences !== backward.returnSequences || forward.returnState !== backward.returnState) {
    config.refuse('its layers differ in return_sequences or return_state');
  }
}

function merge(
  call: LayerCall,
  [forward, backward]: readonly [Value, Value],
  first: WalkResult,
  second: WalkResult,
): { value: Value; units: number }[] {
  const { graph } = call;
  const { config } = call.layer;
  if (config.get('merge_mode') === null) {
    return [
      { value: forward, units: first.units },
      { value: backward, units: second.units },
    ];
  }
  const mode = config.choice('merge_mode', ['concat', 'sum', 'mul', 'ave']);
  if (mode === 'concat') {
    return [{ value: graph.node('Concat', [forward, backward], { axis: -1 }), units: first.units + second.units }];
  }
  if (first.units !== second.units) config.refuse(`merge_mode ${mode} needs as many units in both directions`);
  const value = graph.node(mode === 'mul' ? 'Mul' : 'Add', [forward, backward]);
  return [{ value: mode === 'ave' ? graph.node('Div', [value, graph.scalar(2)]) : value, units: first.units }];
}

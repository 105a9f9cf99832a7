import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { logistic, softmax } from '../classification.js';
import { tableOf } from '../context.js';
import type { InputShape } from '../converter.js';
import { type Estimator, type Numbers, toNumbers } from '../estimator.js';

export const perceptronParameters = [
  ...['activation', 'alpha', 'batch_size', 'beta_1', 'beta_2', 'early_stopping', 'epsilon', 'hidden_layer_sizes'],
  ...['learning_rate', 'learning_rate_init', 'loss', 'max_fun', 'max_iter', 'momentum', 'n_iter_no_change'],
  ...['nesterovs_momentum', 'power_t', 'random_state', 'shuffle', 'solver', 'tol', 'validation_fraction', 'verbose'],
  'warm_start',
];

export function perceptronInput(estimator: Estimator): InputShape {
  estimator.checkFitted('coefs_');
  return tableOf(estimator, readLayers(estimator)[0]!.weights.shape[0]!);
}

interface Layer {
  /** [inputs, outputs] */
  readonly weights: Numbers;
  readonly bias: Float64Array;
}

function readLayers(estimator: Estimator): Layer[] {
  const biases = estimator.list('intercepts_').map(toNumbers);
  const layers = estimator.list('coefs_').map((item, i): Layer => {
    const [weights, bias] = [toNumbers(item), biases[i]];
    if (weights?.shape.length !== 2 || bias === undefined || bias.data.length !== weights.shape[1]) {
      estimator.refuse('coefs_ and intercepts_ should be one matrix and one vector a layer');
    }
    return { weights, bias: bias.data };
  });
  if (layers.length === 0) estimator.refuse('it has no layers');
  return layers;
}

const activations = ['identity', 'logistic', 'tanh', 'relu', 'softmax', 'exp'] as const;

/** What the last layer gives after its activation: [batch, outputs]. */
export function forward(call: Call): { value: Value; outputs: number } {
  const { estimator } = call;
  const hidden = estimator.choice('activation', activations);
  const last = estimator.choice('out_activation_', activations);
  const layers = readLayers(estimator);
  let value = '';
  let width = 0;
  for (const [i, { weights, bias }] of layers.entries()) {
    const [inputs, outputs] = weights.shape as [number, number];
    if (i > 0 && inputs !== width) estimator.refuse('the matrices of coefs_ do not fit one behind the other');
    const product =
      i === 0
        ? call.product(weights.data, outputs)
        : call.node('Gemm', [value, call.floats(weights.data, [inputs, outputs])]);
    value = activate(call, i === layers.length - 1 ? last : hidden, call.node('Add', [product, call.floats(bias)]));
    width = outputs;
  }
  return { value, outputs: width };
}

function activate(call: Call, name: (typeof activations)[number], value: Value): Value {
  switch (name) {
    case 'identity':
      return value;
    case 'logistic':
      return logistic(call, value);
    case 'tanh':
      return call.node('Tanh', [value]);
    case 'relu':
      return call.node('Max', [value, call.scalar(0)]);
    case 'softmax':
      return softmax(call, value);
    case 'exp':
      return call.node('Exp', [value]);
  }
}

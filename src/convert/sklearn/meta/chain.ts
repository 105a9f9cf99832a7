import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import type { EstimatorConverter, Methods, Output } from '../converter.js';
import { asFloat, single } from '../ensemble/combine.js';
import { inputOfParts, partsOf } from '../ensemble/parts.js';
import { concatenate, type Features, matrix, widthOf } from '../features.js';
import { column } from '../tree/target-methods.js';

const chain = (name: string, convert: (call: Call) => Methods): EstimatorConverter => ({
  className: `sklearn.multioutput.${name}`,
  parameters: ['base_estimator', 'estimator', 'order', 'cv', 'chain_method', 'random_state', 'verbose'],
  input: (estimator, describe) => inputOfParts(estimator, describe, partsOf(estimator)[0]),
  convert,
});

type Method = 'predict' | 'predict_proba' | 'predict_log_proba' | 'decision_function';
const methods: readonly Method[] = ['predict', 'predict_proba', 'predict_log_proba', 'decision_function'];

/** The links of the chain: each sees the input and what the links before it said. */
function linksOf(call: Call): Methods[] {
  const { estimator, graph } = call;
  // Since 1.5 the links may pass on probabilities or scores.
  const passed = estimator.has('chain_method_') ? estimator.choice('chain_method_', methods) : 'predict';
  const X: Features = call.input.kind === 'sparse' ? call.input : call.matrix();
  const said: Features[] = [];
  return partsOf(estimator).map((part) => {
    const link = call.convert(part, said.length === 0 ? X : concatenate(graph, [X, ...said]));
    const value = call.node('Unsqueeze', [answer(call, link, passed), graph.int64s([1])]);
    said.push(matrix(value, 1, true));
    return link;
  });
}

/** What a link says, [batch] of numbers: of probabilities those of the second class. */
function answer(call: Call, link: Methods, name: Method): Value {
  const output = single(call, link[name]?.() ?? call.estimator.refuse(`a link of it has no ${name}`));
  const value = asFloat(call, output);
  if (output.shape.length === 1) return value;
  if (widthOf(matrix(value, output.shape[1] ?? 0, true)) !== 2)
    call.estimator.refuse('a link of it has not two classes');
  return column(call, value, 1);
}

/** What the links say, in the order of the targets: [batch, targets]. */
function answers(call: Call, links: readonly Methods[], name: Method): Output {
  const { estimator, graph } = call;
  const order = Array.from(estimator.numbers('order_').data);
  const places = order.map((_, target) => order.indexOf(target));
  if (order.length !== links.length || places.includes(-1))
    estimator.refuse('order_ should be an order of its targets');
  const axis = graph.int64s([1]);
  const columns = places.map((place) => call.node('Unsqueeze', [answer(call, links[place]!, name), axis]));
  return { value: call.node('Concat', columns, { axis: 1 }), dtype: 'float64', shape: [null, columns.length] };
}

/** One estimator a target, one after the other: predict [batch, targets]. */
function convertRegressor(call: Call): Methods {
  const links = linksOf(call);
  return { predict: () => answers(call, links, 'predict') };
}

/** As the regressor, of two classes each; predict_proba and decision_function of the second class of each. */
function convertClassifier(call: Call): Methods {
  const links = linksOf(call);
  const has = (name: Method) => links.every((link) => link[name] !== undefined);
  const probabilities = () => answers(call, links, 'predict_proba');
  return {
    predict: () => answers(call, links, 'predict'),
    ...(has('predict_proba') ? { predict_proba: probabilities } : {}),
    // Since 1.4, whatever its links have.
    ...(has('predict_proba') && call.estimator.since([1, 4])
      ? { predict_log_proba: () => ({ ...probabilities(), value: call.node('Log', [probabilities().value]) }) }
      : {}),
    ...(has('decision_function') ? { decision_function: () => answers(call, links, 'decision_function') } : {}),
  };
}

export const classifierChain = chain('ClassifierChain', convertClassifier);
export const regressorChain = chain('RegressorChain', convertRegressor);

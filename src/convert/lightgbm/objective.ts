import { VitrinaError } from '../../errors.js';
import type { LightgbmModel } from '../../formats/lightgbm/index.js';
import type { GraphBuilder, Value } from '../graph-builder.js';

type Link = 'identity' | 'sigmoid' | 'softmax' | 'exponential' | 'log1p';

/**
 * Objectives of LightGBM 2.3 to 4.6 by what `ConvertOutput` makes of the sums.
 * Source: src/objective/*.hpp
 */
const links: Readonly<Record<string, Link>> = {
  binary: 'sigmoid',
  multiclass: 'softmax',
  multiclassova: 'sigmoid',
  regression: 'identity',
  regression_l1: 'identity',
  huber: 'identity',
  fair: 'identity',
  quantile: 'identity',
  mape: 'identity',
  poisson: 'exponential',
  gamma: 'exponential',
  tweedie: 'exponential',
  cross_entropy: 'sigmoid',
  xentropy: 'sigmoid',
  cross_entropy_lambda: 'log1p',
  xentlambda: 'log1p',
  lambdarank: 'identity',
  rank_xendcg: 'identity',
  custom: 'identity',
};

export const lightgbmObjectives: readonly string[] = Object.keys(links);

/** float64 [batch, n] → what `Booster.predict` gives of the sums of the trees, [batch, n]. @throws model-unsupported */
export function addPrediction(graph: GraphBuilder, { objective }: LightgbmModel, margin: Value): Value {
  const [name, ...options] = objective;
  if (name === undefined) return margin;
  if (!Object.hasOwn(links, name)) {
    throw new VitrinaError('model-unsupported', {
      what: `LightGBM's objective ${JSON.stringify(name.slice(0, 60))} is not known here`,
      next: `the objectives known are ${lightgbmObjectives.join(', ')}`,
    });
  }
  const one = graph.scalar(1, 'float64');
  switch (links[name]!) {
    case 'identity':
      // reg_sqrt: trained on roots, with their signs.
      return options.includes('sqrt') ? graph.node('Mul', [graph.node('Abs', [margin]), margin]) : margin;
    case 'sigmoid': {
      const scaled = graph.node('Mul', [margin, graph.scalar(-slopeOf(name, options), 'float64')]);
      return graph.node('Div', [one, graph.node('Add', [one, graph.node('Exp', [scaled])])]);
    }
    case 'softmax': {
      const axis = graph.int64s([1]);
      const largest = graph.node('ReduceMax', [margin, axis], { keepdims: 1 });
      const powers = graph.node('Exp', [graph.node('Sub', [margin, largest])]);
      return graph.node('Div', [powers, graph.node('ReduceSum', [powers, axis], { keepdims: 1 })]);
    }
    case 'exponential':
      return graph.node('Exp', [margin]);
    case 'log1p':
      return graph.node('Log', [graph.node('Add', [one, graph.node('Exp', [margin])])]);
  }
}

/** `sigmoid:0.7` of the objective. */
function slopeOf(name: string, options: readonly string[]): number {
  if (name !== 'binary' && name !== 'multiclassova') return 1;
  const option = options.find((item) => item.startsWith('sigmoid:'));
  const slope = Number(option?.slice('sigmoid:'.length));
  if (option === undefined || !(slope > 0 && Number.isFinite(slope))) {
    throw new VitrinaError('artefact-malformed', { format: 'LightGBM', what: `${name} has no sigmoid` });
  }
  return slope;
}

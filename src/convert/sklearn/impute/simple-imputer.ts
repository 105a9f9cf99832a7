import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import { type Estimator, toNumber, unwrap } from '../estimator.js';
import { type Column, concatenate, type Features, gatherColumns, matrix } from '../features.js';
import { isNull, missingNumbers, readMissingValue, readTexts } from './missing-value.js';

/**
 * [batch, n] → transform [batch, n − empty (+ indicators)]: a missing value becomes the statistic of its column.
 * Columns that were empty in training are left out, unless they are kept; `add_indicator` appends where values were
 * missing.
 */
export const simpleImputer: EstimatorConverter = {
  className: 'sklearn.impute._base.SimpleImputer',
  parameters: [
    // `verbose` until 1.2.
    ...['missing_values', 'strategy', 'fill_value', 'verbose', 'copy', 'add_indicator', 'keep_empty_features'],
  ],
  input,
  convert: (call) => ({ transform: () => impute(call) }),
};

/** The imputer until 0.21, of numbers alone; it takes infinities. */
export const imputer: EstimatorConverter = {
  className: 'sklearn.preprocessing.imputation.Imputer',
  parameters: ['missing_values', 'strategy', 'axis', 'verbose', 'copy'],
  input,
  convert(call) {
    if (call.estimator.integer('axis') !== 0) call.estimator.refuse('axis is 1: it learns from the rows it imputes');
    return { transform: () => impute(call) };
  },
};

function input(estimator: Estimator) {
  estimator.checkFitted('statistics_');
  return tableOf(estimator, estimator.list('statistics_').length);
}

/** A statistic of a column: what is filled in. `undefined` where the column was empty in training. */
type Statistic = number | string | undefined;

function impute(call: Call): Features {
  const { estimator } = call;
  const statistics = readStatistics(estimator);
  const indicated = readIndicated(estimator);
  if (statistics.every((statistic) => typeof statistic !== 'string')) {
    return imputeNumbers(call, statistics as (number | undefined)[], indicated);
  }
  return imputeColumns(call, statistics, indicated);
}

function imputeNumbers(
  call: Call,
  statistics: readonly (number | undefined)[],
  indicated: readonly number[],
): Features {
  const missing = readMissingValue(call.estimator);
  const size = statistics.length;
  const { value } = call.matrix(size, { missing: isNull(missing), infinite: call.estimator.name === 'Imputer' });
  const isMissing = missingNumbers(call, value, missing);
  const filled = call.node('Where', [isMissing, call.floats(statistics.map((statistic) => statistic ?? 0)), value]);
  const kept = statistics.flatMap((statistic, i) => (statistic === undefined ? [] : [i]));
  const finite = statistics.every((statistic) => statistic === undefined || Number.isFinite(statistic));
  const imputed = matrix(
    gatherColumns(call.graph, filled, size, kept),
    kept.length,
    finite && call.estimator.name !== 'Imputer',
  );
  if (indicated.length === 0) return imputed;
  const marks = call.node('Cast', [isMissing], { to: 11 });
  const indicators = matrix(gatherColumns(call.graph, marks, size, indicated), indicated.length, true);
  return kept.length === 0 ? indicators : concatenate(call.graph, [imputed, indicators]);
}

/** A frame with texts: each column on its own. */
function imputeColumns(call: Call, statistics: readonly Statistic[], indicated: readonly number[]): Features {
  const { estimator } = call;
  const missing = readMissingValue(estimator);
  const imputed: Column[] = [];
  const indicators: Column[] = [];
  for (const [i, column] of call.columns(statistics.length).entries()) {
    const { name } = column;
    const statistic = statistics[i];
    const type = typeof statistic === 'number' ? 'number' : 'text';
    // A column that was empty has no type: it is left out unread, unless somebody wants to know where it is missing.
    if (statistic === undefined && !indicated.includes(i)) continue;
    const { value, isMissing } =
      type === 'text' ? readTexts(call, column, missing) : readNumbers(call, column, missing);
    if (indicated.includes(i)) {
      const mark = call.node('Cast', [isMissing], { to: 11 });
      indicators.push({ name: `missing ${name}`, type: 'number', value: mark, finite: true });
    }
    if (statistic === undefined) continue;
    const fill =
      typeof statistic === 'string'
        ? call.graph.constant({ dtype: 'string', shape: [1], data: [statistic] }, 'fill')
        : call.floats([statistic]);
    const finite = type === 'text' || Number.isFinite(statistic);
    // Texts that are not missing come through as they are, unless a text stands for a missing one.
    const source = missing.kind === 'text' ? undefined : 'table' in column ? column : column.source;
    imputed.push({ name, type, value: call.node('Where', [isMissing, fill, value]), finite, source });
  }
  return { kind: 'frame', columns: [...imputed, ...indicators] };
}

function readNumbers(call: Call, column: Column, missing: ReturnType<typeof readMissingValue>) {
  const value = call.column(column, 'number', isNull(missing) ? { missing: 'NaN' } : {});
  return { value, isMissing: missingNumbers(call, value, missing) };
}

function readStatistics(estimator: Estimator): Statistic[] {
  const isConstant = estimator.choice('strategy', ['mean', 'median', 'most_frequent', 'constant']) === 'constant';
  // `keep_empty_features` came with 1.2; a constant filled empty columns whatever it said until 1.7.
  const keepsAll = estimator.boolean('keep_empty_features', false) || (isConstant && !estimator.since([1, 8]));
  return estimator.list('statistics_').map((item) => {
    const value = unwrap(item);
    if (typeof value === 'string') return value;
    const number = value === undefined || value === null ? undefined : toNumber(value);
    if (number === undefined) return estimator.refuse('statistics_ should be numbers or texts');
    return Number.isNaN(number) && !keepsAll ? undefined : number;
  });
}

/** Columns that `add_indicator` appends: those where values were missing in training. */
function readIndicated(estimator: Estimator): number[] {
  return readIndicator(estimator, estimator.list('statistics_').length);
}

/** `features_` of the indicator that an imputer keeps; none without `add_indicator`. */
export function readIndicator(estimator: Estimator, size: number): number[] {
  if (!estimator.boolean('add_indicator', false)) return [];
  const features = Array.from(estimator.partOf(estimator.part('indicator_')).vector('features_'));
  if (!features.every((i) => Number.isInteger(i) && i >= 0 && i < size)) estimator.refuse('its indicator is damaged');
  return features;
}

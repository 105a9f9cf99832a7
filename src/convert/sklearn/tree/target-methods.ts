import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { argMax, classifier, perClass } from '../classification.js';
import type { Methods, Output } from '../converter.js';
import { pickLabel } from '../labels.js';
import type { Targets } from './tree-values.js';

/**
 * The methods of a classifier of one or several targets.
 *
 * - **probabilities**: [batch, classes of all targets], target after target.
 * - **index**: [batch, targets], int64: the classes predicted; those with the highest probability unless told.
 */
export function targetMethods(
  call: Call,
  { classes, single }: Targets,
  probabilities: () => Value,
  index?: () => Value,
): Methods {
  const indexOf = (k: number) => column(call, index!(), k);
  if (single) {
    return classifier(call, {
      classes: classes[0]!,
      probabilities,
      ...(index === undefined ? {} : { index: () => indexOf(0) }),
    });
  }
  const sizes = classes.map(({ shape }) => shape[0]!);
  const parts = () => (sizes.length === 1 ? [probabilities()] : split(call, probabilities(), sizes));
  const each = (make: (value: Value) => Value) => () => parts().map((value, k) => perClass(make(value), classes[k]!));
  return {
    classes,
    predict: () => {
      const found =
        index === undefined ? parts().map((value) => argMax(call, value)) : classes.map((_, k) => indexOf(k));
      return sideBySide(
        call,
        found.map((value, k) => pickLabel(call.graph, classes[k]!, value)),
      );
    },
    predict_proba: each((value) => value),
    predict_log_proba: each((value) => call.node('Log', [value])),
  };
}

/** Labels of several targets, each [batch], as [batch, targets]. Releases before 0.21 made numbers floats. */
export function sideBySide(call: Call, outputs: readonly Output[]): Output {
  const axis = call.graph.int64s([1]);
  const floats = !call.estimator.since([0, 21]) && outputs[0]!.dtype !== 'string';
  const columns = outputs.map(({ value }) => {
    const column = call.node('Unsqueeze', [value, axis]);
    return floats ? call.node('Cast', [column], { to: 11 }) : column;
  });
  const value = columns.length === 1 ? columns[0]! : call.node('Concat', columns, { axis: 1 });
  return { value, dtype: floats ? 'float64' : outputs[0]!.dtype, shape: [null, outputs.length] };
}

/** [batch, sum of sizes] → one [batch, size] each. */
export function split(call: Call, value: Value, sizes: readonly number[]): Value[] {
  return call.graph.multi('Split', [value, call.graph.int64s(sizes, 'sizes')], { axis: 1 }, { outputs: sizes.length });
}

/** [batch, n] → column `k`, [batch]. */
export function column(call: Call, value: Value, k: number): Value {
  const index = call.graph.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(k)) }, 'column');
  return call.node('Gather', [value, index], { axis: 1 });
}

/** [batch, width] → columns `from` to `width` (exclusive), at least column `from`. */
export function gatherFrom(call: Call, value: Value, width: number, from: number): Value {
  const indices = Array.from({ length: Math.max(width - from, 1) }, (_, i) => from + i);
  return call.node('Gather', [value, call.graph.int64s(indices, 'columns')], { axis: 1 });
}

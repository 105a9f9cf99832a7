/** Runs what a converter adds to a graph on plain numbers. */
import { GraphBuilder, type Value } from '../../../src/convert/graph-builder.js';
import { Call } from '../../../src/convert/sklearn/call.js';
import { ConversionContext } from '../../../src/convert/sklearn/context.js';
import { Estimator } from '../../../src/convert/sklearn/estimator.js';
import { matrix } from '../../../src/convert/sklearn/features.js';
import { PythonDict, PythonGlobal, PythonObject, type PythonValue } from '../../../src/formats/pickle/index.js';
import { openSession } from '../../../src/runtime/index.js';

/** An estimator with the attributes given, as a pickle of `version` has them. */
export function estimatorOf(
  className: string,
  attributes: Readonly<Record<string, PythonValue>>,
  version = '1.6.1',
): PythonObject {
  const dot = className.lastIndexOf('.');
  const object = new PythonObject(new PythonGlobal(className.slice(0, dot), className.slice(dot + 1), 'class'), []);
  const state = new PythonDict();
  for (const [name, value] of Object.entries(attributes)) state.set(name, value);
  state.set('_sklearn_version', version);
  object.state = state;
  return object;
}

/** `build` on a column [batch, width] of numbers, row-major: the values of what it gives, as float64. */
export async function evaluate(
  build: (call: Call, x: Value) => Value,
  values: ArrayLike<number>,
  width = 1,
): Promise<Float64Array> {
  const graph = new GraphBuilder('test');
  const input = graph.input({ name: 'x', dtype: 'float64', shape: [null, width] });
  const estimator = new Estimator(estimatorOf('sklearn.preprocessing._data.Normalizer', {}));
  const call = new Call(new ConversionContext(graph, new Map()), estimator, matrix(input, width, false));
  const output = graph.node('Cast', [build(call, input)], { to: 11 });
  graph.output({ name: 'y', dtype: 'float64', shape: [null, width] }, output);
  const session = await openSession(graph.build(), 'inline');
  try {
    const data = Float64Array.from(values);
    const { y } = await session.run({ x: { dtype: 'float64', shape: [data.length / width, width], data } });
    return y!.data as Float64Array;
  } finally {
    await session.close();
  }
}

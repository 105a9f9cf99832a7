import { VitrinaError } from '../../errors.js';
import { type JoblibFile, readJoblib } from '../../formats/joblib/index.js';
import {
  NumpyArray,
  PythonDict,
  type PythonLimits,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from '../../formats/pickle/index.js';
import type { Conversion, TensorSpec } from '../../signature.js';
import { GraphBuilder } from '../graph-builder.js';
import { Estimator } from './estimator.js';
import { estimatorRegistry } from './registry.js';

export { readScaler, type Scaler } from './scaler.js';

export interface SklearnSource {
  /** What the bytes were: `pickle` or `joblib`. */
  readonly format: JoblibFile['format'];
}

/** Reads a pickle or joblib file and converts the estimator in it. @throws as `readJoblib` and `convertSklearn` */
export function convertPickle(bytes: Uint8Array, limits: Partial<PythonLimits> = {}): Conversion {
  const file = readJoblib(bytes, limits);
  return convertSklearn(file.value, file);
}

/**
 * Converts a fitted scikit-learn estimator into a float64 ONNX graph that gives the same numbers as its methods do:
 * one input `X` of shape [batch, features], one output a method, named after it.
 *
 * @throws estimator-unsupported (names the estimator), model-unsupported for what is no estimator
 */
export function convertSklearn(root: PythonValue, source: SklearnSource): Conversion {
  if (!(root instanceof PythonObject) || !root.global.module.startsWith('sklearn.')) throw refuseValue(root);
  const converter = estimatorRegistry.get(root.global.id);
  if (converter === undefined) {
    const known = [...estimatorRegistry.keys()].map((id) => id.slice(id.lastIndexOf('.') + 1)).sort();
    throw new VitrinaError('estimator-unsupported', {
      estimator: root.global.id,
      why: `there is no converter for it; there is one for ${known.join(', ')}`,
    });
  }
  const estimator = new Estimator(root);
  estimator.checkParameters(converter.parameters);
  const size = converter.features(estimator);
  const columns = estimator.featureNames(size);
  const input: TensorSpec = {
    name: 'X',
    dtype: 'float64',
    shape: [null, size],
    ...(columns === undefined ? {} : { columns }),
  };
  const graph = new GraphBuilder('sklearn');
  const call = { graph, estimator, input: { value: graph.input(input), size } };
  const outputs = converter.convert(call).map(({ method, value, dtype, shape }): TensorSpec => {
    const spec = { name: method, dtype, shape };
    graph.output(spec, value);
    return spec;
  });
  return {
    graph: graph.build(),
    signature: { inputs: [input], outputs },
    provenance: {
      format: source.format,
      library: 'scikit-learn',
      libraryVersion: estimator.version,
      components: [estimator.name],
      notes: [],
    },
  };
}

function refuseValue(value: PythonValue): VitrinaError {
  const next = 'save the fitted scikit-learn estimator alone, in a file of its own';
  return new VitrinaError('model-unsupported', {
    what: `The file holds ${describeValue(value)}, not an estimator`,
    next,
  });
}

/** A phrase for a message: "a dictionary with the keys model, scaler". */
function describeValue(value: PythonValue): string {
  if (value instanceof PythonDict) {
    const keys = value
      .keys()
      .slice(0, 10)
      .map((key) => (typeof key === 'string' ? key.slice(0, 40) : typeof key));
    return keys.length === 0 ? 'an empty dictionary' : `a dictionary with the keys ${keys.join(', ')}`;
  }
  if (value instanceof PythonTuple) return `a tuple of ${value.items.length}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof NumpyArray) return `an array of shape (${value.shape.join(', ')})`;
  if (value instanceof PythonObject) return `an object of class ${value.global.id}`;
  return value === null ? 'None' : typeof value === 'object' ? 'a single value' : `a single ${typeof value}`;
}

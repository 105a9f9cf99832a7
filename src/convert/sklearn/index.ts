import { VitrinaError } from '../../errors.js';
import { type JoblibFile, readJoblib } from '../../formats/joblib/index.js';
import { type PythonLimits, PythonObject, type PythonValue } from '../../formats/pickle/index.js';
import type { Conversion, TensorSpec } from '../../signature.js';
import { GraphBuilder } from '../graph-builder.js';
import { chooseMember, describeValue } from './container.js';
import { ConversionContext } from './context.js';
import { type EstimatorConverter, type InputShape, type Methods, methodNames, type Output } from './converter.js';
import { densify, type Features, matrix } from './features.js';
import { estimatorRegistry } from './registry.js';
import { Table } from './table.js';

export { columnNamesOf } from './compose/selected-columns.js';
export { chooseMember, listMembers } from './container.js';
export { readScaler, type Scaler } from './scaler.js';

export interface SklearnSource {
  /** What the bytes were: `pickle`, `joblib`, or a model file of XGBoost or LightGBM. */
  readonly format: JoblibFile['format'] | 'xgboost' | 'lightgbm';
}

export interface PickleOptions {
  readonly limits?: Partial<PythonLimits>;
  /** Which object of a dictionary, list or tuple: a key, or a position. */
  readonly member?: string | undefined;
}

/** Reads a pickle or joblib file and converts the estimator in it. @throws as `readJoblib` and `convertSklearn` */
export function convertPickle(bytes: Uint8Array, { limits = {}, member }: PickleOptions = {}): Conversion {
  const file = readJoblib(bytes, limits);
  return convertSklearn(member === undefined ? file.value : chooseMember(file.value, member), file);
}

/**
 * Converts a fitted scikit-learn estimator into a float64 ONNX graph that gives the same numbers as its methods do:
 * one output a method, named after it (`predict_proba[0]`, `predict_proba[1]` for several targets).
 *
 * @throws estimator-unsupported (names the estimator), model-unsupported for what is no estimator
 */
export function convertSklearn(
  root: PythonValue,
  source: SklearnSource,
  registry: ReadonlyMap<string, EstimatorConverter> = estimatorRegistry,
): Conversion {
  if (!(root instanceof PythonObject) || !isEstimator(root)) throw refuseValue(root);
  const graph = new GraphBuilder('sklearn');
  const context = new ConversionContext(graph, registry);
  const estimator = context.estimatorOf(root);
  const { features, finish } = openInput(context, context.describeInput(estimator));
  const outputs = declareOutputs(graph, context.convert(root, features));
  const { inputs, ignored, shared = [] } = finish();
  if (outputs.length === 0) estimator.refuse('it has no method that works on new rows');
  return {
    graph: graph.build(),
    signature: {
      inputs,
      outputs,
      ...(ignored.length === 0 ? {} : { ignored }),
      ...(context.isIndivisible ? { indivisible: true } : {}),
    },
    featurizers: context.featurizers.map((spec) => (shared.includes(spec.input) ? { ...spec, shared: true } : spec)),
    guards: context.guards,
    provenance: {
      format: source.format,
      library: libraryOf(root),
      libraryVersion: estimator.version === '' ? (context.libraryVersion ?? null) : estimator.version,
      components: [...context.components],
      notes: [...context.notes],
    },
  };
}

const libraries: Readonly<Record<string, string>> = {
  sklearn: 'scikit-learn',
  xgboost: 'xgboost',
  lightgbm: 'lightgbm',
};
const packageOf = (object: PythonObject) => object.global.module.split('.')[0]!;
const isEstimator = (object: PythonObject) => Object.hasOwn(libraries, packageOf(object));
const libraryOf = (object: PythonObject) => libraries[packageOf(object)]!;

interface OpenInput {
  readonly features: Features;
  /** To be called when every method has been converted: only then it is known what the columns hold. */
  finish(): { inputs: TensorSpec[]; ignored: readonly string[]; shared?: readonly string[] };
}

function openInput(context: ConversionContext, shape: InputShape): OpenInput {
  const { graph } = context;
  switch (shape.kind) {
    case 'table': {
      const table = new Table(graph, shape.names, shape.size);
      const columns = table.columnNames.map((name, index) => ({ table, index, name }));
      const guard = (...args: Parameters<ConversionContext['guard']>) => context.guard(...args);
      return { features: { kind: 'frame', columns }, finish: () => table.finish(guard) };
    }
    case 'rows': {
      const spec: TensorSpec = { name: 'X', dtype: 'float64', shape: [null, null], missing: 'NaN' };
      const input = matrix(graph.input(spec), Number.NaN, false);
      return { features: input, finish: () => ({ inputs: [spec], ignored: [] }) };
    }
    case 'documents': {
      const spec: TensorSpec = { name: 'text', dtype: 'string', shape: [null] };
      return { features: { kind: 'documents', input: 'text' }, finish: () => ({ inputs: [spec], ignored: [] }) };
    }
    case 'json': {
      const spec: TensorSpec = { name: 'X', dtype: 'string', shape: [null], json: shape.json };
      return { features: { kind: 'documents', input: 'X' }, finish: () => ({ inputs: [spec], ignored: [] }) };
    }
    case 'labels': {
      const dtype = shape.type === 'text' ? 'string' : shape.type === 'boolean' ? 'bool' : 'float64';
      const spec: TensorSpec = { name: 'y', dtype, shape: [null] };
      const input = graph.input(spec);
      const column = graph.node('Unsqueeze', [input, graph.int64s([1])]);
      const value = shape.type === 'boolean' ? graph.node('Cast', [column], { to: 11 }) : column;
      const type = shape.type === 'text' ? 'text' : 'number';
      return {
        features: { kind: 'frame', columns: [{ name: 'y', type, value, finite: true }] },
        finish: () => ({ inputs: [spec], ignored: [] }),
      };
    }
  }
}

function declareOutputs(graph: GraphBuilder, methods: Methods): TensorSpec[] {
  const specs: TensorSpec[] = [];
  const declare = (name: string, { value, ...rest }: Output) => {
    const spec = { name, ...rest };
    graph.output(spec, value);
    specs.push(spec);
  };
  for (const name of methodNames) {
    const method = methods[name];
    if (method === undefined) continue;
    const result = name === 'transform' ? transformed(graph, methods.transform!()) : (method() as Output | Output[]);
    if (Array.isArray(result)) for (const [i, output] of result.entries()) declare(`${name}[${i}]`, output);
    else declare(name, result as Output);
  }
  return specs;
}

/** Columns of numbers as one matrix, of texts as another; a frame of both gives one output a column. */
function transformed(graph: GraphBuilder, features: Features): Output | Output[] {
  if (features.kind === 'documents') throw new Error('documents are transformed by vectorizers alone');
  if (features.kind === 'matrix' && features.isLabel) {
    const flat = graph.node('Squeeze', [features.value, graph.int64s([1])]);
    return { value: graph.node('Cast', [flat], { to: 7 }), dtype: 'int64', shape: [null] };
  }
  if (features.kind === 'matrix' && features.isVector) {
    return { value: graph.node('Squeeze', [features.value, graph.int64s([1])]), dtype: 'float64', shape: [null] };
  }
  if (features.kind !== 'frame') {
    const { value, size } = features.kind === 'sparse' ? densify(graph, features) : features;
    return { value, dtype: 'float64', shape: [null, Number.isNaN(size) ? null : size] };
  }
  const columns = features.columns.map((column) => {
    if (!('table' in column)) return column;
    const value = column.table.read([column.index], 'number');
    if (value !== undefined) return { type: 'number' as const, value };
    return { type: 'text' as const, value: column.table.read([column.index], 'text')! };
  });
  const types = new Set(columns.map(({ type }) => (type === 'text' ? 'text' : 'number')));
  const dtypeOf = (type: string) => (type === 'text' ? 'string' : 'float64');
  if (types.size > 1) {
    return columns.map(({ type, value }) => ({ value, dtype: dtypeOf(type), shape: [null, 1] }) as const);
  }
  const value = graph.node(
    'Concat',
    columns.map((column) => column.value),
    { axis: 1 },
  );
  return { value, dtype: dtypeOf([...types][0]!), shape: [null, columns.length] };
}

function refuseValue(value: PythonValue): VitrinaError {
  return new VitrinaError('model-unsupported', {
    what: `The file holds ${describeValue(value)}, not an estimator`,
    next: 'save the fitted scikit-learn estimator alone, or name one object of the file with file#member',
  });
}

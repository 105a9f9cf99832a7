import { type AnswerPlan, type DataType, FeatureReader, planAnswer, type ReadyVersion } from '../../index.js';

/** The loaded version as this app uses it. */
export interface TabularModel {
  readonly ready: ReadyVersion;
  readonly reader: FeatureReader;
  readonly plan: AnswerPlan;
  readonly representation: Representation;
}

/** The model as a resource. */
export interface Representation {
  readonly estimator: string;
  readonly library: string;
  /** Classes of the estimators, layers or operators met, the outermost first. */
  readonly components: readonly string[];
  readonly features: readonly { readonly name: string; readonly type: string; readonly optional?: true }[];
  /** Name of what is predicted, where the artefact knows it. */
  readonly target: string | null;
  /** Of a classifier that gives probabilities. */
  readonly classes?: readonly string[];
  readonly version: string;
  readonly created: string;
  readonly sha256: string;
}

/**
 * Finds out how to ask this version, and how to describe it.
 *
 * @throws VitrinaError `model-unsupported` when it does not take rows of features, or predicts nothing
 */
export function describeModel(ready: ReadyVersion): TabularModel {
  const { signature, labels, provenance, version, created, sha256 } = ready;
  const reader = new FeatureReader(signature);
  const plan = planAnswer(signature, labels);
  const { library, libraryVersion, components, target } = provenance;
  const representation: Representation = {
    estimator: estimatorOf(library, components),
    library: libraryVersion === null ? library : `${library} ${libraryVersion}`,
    components,
    features: reader.features.map(({ name, dtype, optional }) => ({
      name,
      type: typeOf(dtype),
      ...(optional ? { optional: true as const } : {}),
    })),
    target: target ?? null,
    ...(plan.probabilities === undefined ? {} : { classes: plan.classes }),
    version,
    created,
    sha256,
  };
  return { ready, reader, plan, representation };
}

/** Of layers and operators no single one is the estimator. */
function estimatorOf(library: string, [first]: readonly string[]): string {
  if (library === 'keras') return 'keras.Model';
  return /^[A-Z]/.test(first ?? '') && library !== 'onnx' ? first! : library;
}

/** The words of JSON Schema. */
function typeOf(dtype: DataType): string {
  if (dtype === 'string') return 'string';
  if (dtype === 'bool') return 'boolean';
  return dtype.startsWith('float') ? 'number' : 'integer';
}

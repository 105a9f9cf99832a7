import type { DataType } from './tensor.js';

/**
 * One named, typed input or output of a model.
 *
 * `shape` holds `null` where a size is free. The first dimension is the batch (`null`), unless `batched` is false.
 */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly (number | null)[];
  /** Names of the columns of a two-dimensional input, in order (scikit-learn's `feature_names_in_`). */
  readonly columns?: readonly string[];
  /**
   * What `null` stands for in JSON: the NaN of a float, and for texts the mark of Python's `nan` or `None`
   * (`missingTexts`). Without it `null` is refused.
   */
  readonly missing?: 'NaN' | 'None';
  /** Infinities are refused in whatever form they come, and so is NaN unless it stands for what is missing. */
  readonly finite?: true;
  /** The largest absolute value taken: scikit-learn refuses what float32 cannot hold where it computes with float32. */
  readonly largest?: number;
  /** Each element is a JSON text of this kind: a dictionary of features, a set of labels. */
  readonly json?: 'object' | 'list';
}

/** How a text tensor holds a missing value: a noncharacter of Unicode, which no real text contains, and its name. */
export const missingTexts = { NaN: '\uFDD0NaN', None: '\uFDD0None' } as const;

/** Whether requests choose a size of it beside the batch. */
export const hasFreeSize = ({ shape }: TensorSpec): boolean => shape.slice(1).includes(null);

/** What a version takes and gives: the contract that every door (HTTP, gRPC, command line) is typed from. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Fields that a row may have and that are not looked at: columns that the model drops. */
  readonly ignored?: readonly string[];
  /** A row's result depends on the rows that came with it, so that requests are never joined. */
  readonly indivisible?: true;
}

/**
 * A boolean output of the graph, [batch], that no caller sees: where it is false, the library would have raised, and
 * the request is refused with `message`.
 */
export interface Guard {
  readonly output: string;
  /** The input or column that is at fault; `''` when it is none in particular. */
  readonly path: string;
  readonly message: string;
}

/** Where a version comes from: shown to users, never needed to run it. */
export interface Provenance {
  /** What the bytes were: `hdf5`, `keras`, `pickle`, `joblib`, `onnx`. */
  readonly format: string;
  /** The library that wrote the artefact (`keras`, `scikit-learn`, `onnx`). */
  readonly library: string;
  readonly libraryVersion: string | null;
  /** Classes of the layers or estimators met, in order of appearance, each once. */
  readonly components: readonly string[];
  /** Name of what the model predicts, where the file knows it. */
  readonly target?: string;
  /** Sentences for the user: what the conversion did that is worth knowing. */
  readonly notes: readonly string[];
}

/** A step in TypeScript before the graph (`featurizers/`), as plain JSON: kept beside the graph, and in the metadata of an ONNX file. */
export interface FeaturizerSpec {
  /** Which featurizer. */
  readonly kind: string;
  /** The input of the signature that it reads. */
  readonly input: string;
  /**
   * Inputs of the graph that it fills: `indices` int64 and `values` float64, both [batch, widest row]; a shorter row
   * is filled up with index 0 and value 0.
   */
  readonly indices: string;
  readonly values: string;
  /** The graph reads the input as well: a column of texts that is both counted and encoded. */
  readonly shared?: true;
  /** What the kind needs beside. */
  readonly parameters: { readonly [name: string]: unknown };
}

/** The product of `convert/`: everything that is needed to run a version without its artefact. */
export interface Conversion {
  /** A serialised ONNX `ModelProto`. */
  readonly graph: Uint8Array;
  /** Steps before the graph: they turn inputs of the signature into inputs of the graph. */
  readonly featurizers?: readonly FeaturizerSpec[];
  readonly guards?: readonly Guard[];
  /** What in the graph may end the process that runs it, by what callers send; see `findHazard`. */
  readonly hazard?: string;
  readonly signature: Signature;
  readonly provenance: Provenance;
}

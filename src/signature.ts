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
}

/** What a version takes and gives: the contract that every door (HTTP, gRPC, command line) is typed from. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
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
  /** Sentences for the user: what the conversion did that is worth knowing. */
  readonly notes: readonly string[];
}

/** The product of `convert/`: everything that is needed to run a version without its artefact. */
export interface Conversion {
  /** A serialised ONNX `ModelProto`. */
  readonly graph: Uint8Array;
  readonly signature: Signature;
  readonly provenance: Provenance;
}

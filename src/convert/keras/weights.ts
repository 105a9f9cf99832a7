import type { Tensor } from '../../tensor.js';

/** The variables of one layer, whichever of the three layouts the file has. */
export interface LayerWeights {
  /**
   * The variable `name`, checked to have `shape`; floats come as float32. Read variables in the order in which Keras
   * creates them: the `.keras` layout numbers them and names none.
   */
  read(name: string, shape: readonly number[]): Tensor;
  /** Shape of the variable `name` (the next one, in a `.keras` file), `undefined` when there is none. */
  peek(name: string): readonly number[] | undefined;
  /**
   * The variables of an inner layer. `attribute` is the Python attribute that holds it (a `.keras` file is laid out by
   * attributes; give every spelling that versions of Keras used), `name` matches its own name (an `.h5` file is laid
   * out by names; absent: an inner layer that adds no name, or that has all the variables).
   */
  child(attribute: string | readonly string[], name?: string | RegExp): LayerWeights;
}

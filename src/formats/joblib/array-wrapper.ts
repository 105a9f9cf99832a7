import { toShape } from '../pickle/constructors.js';
import { PythonDict } from '../pickle/dictionary.js';
import { malformed, unsupported } from '../pickle/limits.js';
import { type BuildHook, PickleMachine } from '../pickle/machine.js';
import { countElements, decodeArray } from '../pickle/numpy-arrays.js';
import { NumpyArray, NumpyDtype } from '../pickle/numpy-values.js';
import { PythonGlobal, type PythonObject, type PythonValue } from '../pickle/values.js';

const wrapper = 'joblib.numpy_pickle.NumpyArrayWrapper';
const subclasses = new Set(['numpy.ndarray', 'numpy.matrix', 'numpy.memmap']);

/**
 * What the pickle machine calls when an object is complete: a `NumpyArrayWrapper` gives way to the array whose bytes
 * follow it in the stream.
 */
export function createArrayReader(): { readonly hook: BuildHook; readonly arrays: number } {
  let arrays = 0;
  return {
    hook(object, machine) {
      if (object.global.id !== wrapper) return object;
      arrays++;
      return readArray(object, machine);
    },
    get arrays() {
      return arrays;
    },
  };
}

function readArray(object: PythonObject, machine: PickleMachine): PythonValue {
  const { state } = object;
  const field = (name: string) => (state instanceof PythonDict ? state.get(name) : undefined);
  const dtype = field('dtype');
  const subclass = field('subclass');
  const order = field('order');
  if (!(dtype instanceof NumpyDtype) || !(subclass instanceof PythonGlobal) || (order !== 'C' && order !== 'F')) {
    throw malformed('joblib', 'an array without its type, class or order', machine.cursor.position);
  }
  if (!subclasses.has(subclass.id)) {
    throw unsupported('joblib', `an array of class ${subclass.id}`, 'save plain NumPy arrays');
  }
  const { cursor, context } = machine;
  const shape = toShape(field('shape'), wrapper);
  cursor.leaveFrame();
  if (dtype.hasObject) return readObjects(machine, shape);
  // Absent in files of joblib up to 1.1, which do not pad.
  const alignment = field('numpy_array_alignment_bytes') ?? null;
  if (alignment !== null) {
    const padding = cursor.uint8();
    if (typeof alignment !== 'bigint' || BigInt(padding) > alignment) {
      throw malformed('joblib', `a padding of ${padding} bytes`, cursor.position);
    }
    cursor.take(padding);
  }
  const count = countElements(shape, dtype.itemSize, context.budget, 'joblib');
  context.budget.object(256);
  const bytes = cursor.take(count * dtype.itemSize);
  const content = decodeArray({ dtype, shape, bytes, order }, context.budget, 'joblib');
  return new NumpyArray(content, subclass.id === 'numpy.matrix' ? subclass.id : undefined);
}

/** An array of objects is a pickle of its own in the middle of the stream, by plain `pickle`. */
function readObjects({ cursor, context }: PickleMachine, shape: readonly number[]): NumpyArray {
  const nested = new PickleMachine(cursor.bytes, cursor.position, context);
  const array = nested.load();
  cursor.position = nested.cursor.position;
  if (!(array instanceof NumpyArray) || array.shape.join() !== shape.join()) {
    throw malformed('joblib', 'an array of objects whose pickle holds something else', cursor.position);
  }
  return array;
}

import type { KerasTensor, LayerConverter } from '../layer.js';
import { OperatorArguments } from './arguments.js';
import { elementwise } from './elementwise.js';
import { products } from './matmul.js';
import { reductions } from './reduce.js';
import { reshaping } from './reshape.js';

/** Adds the nodes of one operator. Whatever would let the rows of a batch depend on each other is refused. */
export type Operator = (args: OperatorArguments) => KerasTensor[];

/** By class (`TrueDivide` of Keras 3) and by function (`math.truediv` of TensorFlow in Keras 2). */
export const operatorRegistry: ReadonlyMap<string, Operator> = new Map(
  [elementwise, reductions, reshaping, products].flatMap((family) => Object.entries(family)),
);

/** Operators on tensors, as Keras records them between layers: `keras.ops`, and TensorFlow's in Keras 2. */
export const operators: LayerConverter = {
  classNames: ['TFOpLambda', 'SlicingOpLambda'],
  masks: 'stop',
  options: 'own',
  convert(call) {
    const { className, config } = call.layer;
    const name = config.get('function') === null ? className : config.string('function');
    const operator = operatorRegistry.get(name);
    if (operator === undefined) {
      return config.refuse(
        `the operator ${name.slice(0, 60)} is not supported; see src/convert/README.md for those that are`,
      );
    }
    const args = new OperatorArguments(call, name);
    const outputs = operator(args);
    args.checkAllUsed();
    return outputs;
  },
};

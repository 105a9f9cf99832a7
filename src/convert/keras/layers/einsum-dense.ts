import { applyActivation } from '../activation.js';
import { fixedSize, floatInput, type LayerCall, type LayerConverter, type Shape } from '../layer.js';

/** [batch, …] → what `equation` says: `activation(einsum(equation, x, kernel) + bias)`. */
export const einsumDense: LayerConverter = {
  classNames: ['EinsumDense'],
  masks: 'stop',
  options: ['equation', 'output_shape', 'activation', 'bias_axes'],
  convert(call) {
    const { graph, layer, weights } = call;
    const x = floatInput(call);
    const equation = layer.config.string('equation').replaceAll(' ', '');
    const { input, kernel, output } = parse(call, equation, x.shape.length);
    const sizes = outputSizes(call, output.length);
    const sizeOf = (letter: string): number => {
      const axis = output.indexOf(letter);
      const size = axis > 0 ? sizes[axis] : undefined;
      return typeof size === 'number' ? size : fixedSize(call, x, input.indexOf(letter));
    };
    const kernelValue = call.constant('kernel', () => weights.read('kernel', [...kernel].map(sizeOf)));
    const shape: Shape = [...output].map((letter, axis) => {
      if (axis === 0) return null;
      return kernel.includes(letter) ? sizeOf(letter) : (x.shape[input.indexOf(letter)] ?? null);
    });
    // A product over the last axis, which most are, is a plain one.
    const plain = kernel.length === 2 && input.at(-1) === kernel[0] && output === input.slice(0, -1) + kernel[1];
    let value = plain
      ? graph.node('MatMul', [x.value, kernelValue], {}, { name: layer.name })
      : graph.node(
          'Einsum',
          [x.value, kernelValue],
          { equation: `${input},${kernel}->${output}` },
          { name: layer.name },
        );
    const axes = layer.config.get('bias_axes') === null ? '' : layer.config.string('bias_axes');
    if (axes !== '') {
      const first = Math.min(...[...axes].map((letter) => output.indexOf(letter)));
      if (first < 1) return layer.config.refuse(`its bias_axes "${axes}" are not axes of the output`);
      const biasShape = [...output].slice(first).map((letter) => (axes.includes(letter) ? sizeOf(letter) : 1));
      value = graph.node('Add', [value, call.constant('bias', () => weights.read('bias', biasShape))]);
    }
    return [applyActivation(call, layer.config.get('activation'), { value, dtype: 'float32', shape })];
  },
};

/** The three terms, an ellipsis written out in letters that the equation does not use. */
function parse(call: LayerCall, equation: string, rank: number): { input: string; kernel: string; output: string } {
  const { config } = call.layer;
  const match = /^(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?$/.exec(equation);
  if (match === null) return config.refuse(`its equation ${equation.slice(0, 60)} is not of the form ab,bc->ac`);
  const [, left = '', letters = '', right = '', kernel = '', outLeft = '', outLetters = '', outRight = ''] = match;
  if (left !== outLeft || right !== outRight || (left !== '' && right !== '')) {
    return config.refuse(`its equation ${equation} elides different axes`);
  }
  const spare = [...'zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA'].filter(
    (letter) => !equation.includes(letter),
  );
  const elided = left !== '' || right !== '' ? spare.slice(0, rank - letters.length).join('') : '';
  const input = (left && elided) + letters + (right && elided);
  const output = (outLeft && elided) + outLetters + (outRight && elided);
  if (input.length !== rank || new Set(input).size !== rank || new Set(output).size !== output.length) {
    return config.refuse(`its equation ${equation} does not fit an input of ${rank} dimensions`);
  }
  if (input[0] !== output[0] || kernel.includes(input[0]!)) {
    return config.refuse(`its equation ${equation} does not keep the rows of the batch apart`);
  }
  return { input, kernel, output };
}

/** `output_shape` leaves out the batch, and the elided axes, which it may also say. */
function outputSizes(call: LayerCall, rank: number): (number | null | undefined)[] {
  const option = call.layer.config.get('output_shape');
  const list = (Array.isArray(option) ? option : [option]) as (number | null)[];
  const sizes = Array.from({ length: rank }, () => undefined as number | null | undefined);
  // Elided axes on the left come first, so that what is said belongs to the end.
  const equation = call.layer.config.string('equation').replaceAll(' ', '');
  const offset = equation.endsWith('...') ? 1 : rank - list.length;
  list.forEach((size, i) => {
    if (offset + i >= 1 && offset + i < rank) sizes[offset + i] = size;
  });
  return sizes;
}

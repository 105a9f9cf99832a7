import type { Value } from '../../graph-builder.js';
import type { Call } from '../call.js';
import { tableOf } from '../context.js';
import type { EstimatorConverter } from '../converter.js';
import type { Estimator } from '../estimator.js';
import { matrix } from '../features.js';

/**
 * [batch, n] → transform [batch, components]: the tensor sketch of the kernel `(γ x·y + c)^degree`: `degree` count
 * sketches of the row, convolved. The Fourier transform of a sketch is linear in the row, so that it is one matrix.
 *
 * Source: sklearn/kernel_approximation.py; Pham and Pagh, Fast and scalable polynomial kernels via explicit feature maps
 */
export const polynomialCountSketch: EstimatorConverter = {
  className: 'sklearn.kernel_approximation.PolynomialCountSketch',
  parameters: ['gamma', 'degree', 'coef0', 'n_components', 'random_state'],
  input(estimator) {
    estimator.checkFitted('indexHash_');
    return tableOf(estimator, estimator.matrix('indexHash_').columns - (hasConstant(estimator) ? 1 : 0));
  },
  convert(call) {
    const { estimator } = call;
    const hashes = estimator.matrix('indexHash_');
    const { rows: degree, columns } = hashes;
    const { data: signs } = estimator.matrix('bitHash_', degree, columns);
    const components = estimator.integer('n_components');
    if (components < 1 || (degree * columns + components) * components > mostWeights) {
      const what = `n_components is ${components} for ${columns} features and degree ${degree}`;
      estimator.refuse(`${what}, which are too many to transform here`);
    }
    if (hashes.data.some((place) => !(Number.isInteger(place) && place >= 0 && place < components))) {
      estimator.refuse(`indexHash_ should be whole numbers below n_components, ${components}`);
    }
    const size = hasConstant(estimator) ? columns - 1 : columns;
    const scale = Math.sqrt(estimator.number('gamma'));
    const constant = hasConstant(estimator) ? Math.sqrt(estimator.number('coef0')) : 0;
    const wave = waves(components);
    /** The sketch of that number, transformed. */
    const sketch = (d: number): Complex => {
      const part = (values: Float64Array) => {
        const weights = new Float64Array(size * components);
        const shift = new Float64Array(components);
        for (let j = 0; j < columns; j++) {
          const place = hashes.data[d * columns + j]!;
          const sign = signs[d * columns + j]!;
          for (let k = 0; k < components; k++) {
            const value = sign * values[(place * k) % components]!;
            if (j < size) weights[j * components + k] = scale * value;
            else shift[k] = constant * value;
          }
        }
        const product = call.product(weights, components);
        return size === columns ? product : call.node('Add', [product, call.floats(shift)]);
      };
      return { real: part(wave.cosines), imaginary: part(wave.sines) };
    };
    return {
      transform() {
        let product = sketch(0);
        for (let d = 1; d < degree; d++) product = multiplied(call, product, sketch(d));
        // The real part of the inverse transform, `Σ (re · cos + im · sin) / components` with sines of -2π jk / components.
        const back = (values: Float64Array) =>
          Float64Array.from(
            { length: components ** 2 },
            (_, i) => values[((i % components) * Math.floor(i / components)) % components]! / components,
          );
        const inverse = (value: Value, values: Float64Array) =>
          call.node('MatMul', [value, call.floats(back(values), [components, components])]);
        const sum = [inverse(product.real, wave.cosines), inverse(product.imaginary, wave.sines)];
        return matrix(call.node('Add', sum), components, true);
      },
    };
  },
};

/** Of the matrices that transform: what a file could otherwise have a server make of a few numbers. */
const mostWeights = 2 ** 24;

const hasConstant = (estimator: Estimator) => estimator.number('coef0') !== 0;

interface Complex {
  readonly real: Value;
  readonly imaginary: Value;
}

function multiplied(call: Call, a: Complex, b: Complex): Complex {
  const product = (x: Value, y: Value) => call.node('Mul', [x, y]);
  return {
    real: call.node('Sub', [product(a.real, b.real), product(a.imaginary, b.imaginary)]),
    imaginary: call.node('Add', [product(a.real, b.imaginary), product(a.imaginary, b.real)]),
  };
}

/** `cos` and `sin` of `-2π k / size`, k below `size`. */
function waves(size: number): { cosines: Float64Array; sines: Float64Array } {
  const angle = (k: number) => (-2 * Math.PI * k) / size;
  return {
    cosines: Float64Array.from({ length: size }, (_, k) => Math.cos(angle(k))),
    sines: Float64Array.from({ length: size }, (_, k) => Math.sin(angle(k))),
  };
}

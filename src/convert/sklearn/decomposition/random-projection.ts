import type { EstimatorConverter } from '../converter.js';
import { componentsInput, projected } from './projection.js';

/** [batch, n] → transform [batch, components]: `x · components_ᵀ`, the components sparse or not. */
export function randomProjection(className: string, parameters: readonly string[]): EstimatorConverter {
  return {
    className,
    parameters: ['n_components', 'eps', 'compute_inverse_components', 'random_state', ...parameters],
    input: componentsInput,
    convert: (call) => ({ transform: () => projected(call, undefined) }),
  };
}

import type { LayerConverter } from './layer.js';
import { dense } from './layers/dense.js';

/** Every layer that converts, one line each; `src/convert/README.md` is generated from it. */
const converters: readonly LayerConverter[] = [
  // Core
  dense,
];

/** Indexes converters by class name; two that claim one class are a mistake of ours. */
export function registerLayers(list: readonly LayerConverter[]): ReadonlyMap<string, LayerConverter> {
  const registry = new Map<string, LayerConverter>();
  for (const converter of list) {
    for (const className of converter.classNames) {
      if (registry.has(className)) throw new Error(`Two converters claim the Keras layer ${className}.`);
      registry.set(className, converter);
    }
  }
  return registry;
}

export const layerRegistry = registerLayers(converters);

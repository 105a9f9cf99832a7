import type { KerasMask, KerasTensor, Layer, LayerCall } from './layer.js';

/** Whether the file was written by Keras `major.minor` or later. Releases change what a mask does. */
export function writtenSince(layer: Layer, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = layer.version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

/** The mask of `x` for layers that pass it on in Keras 3 and dropped it in Keras 2. */
export function keptMask(call: LayerCall, x: KerasTensor): { readonly mask?: KerasMask } {
  return call.layer.generation === 3 && x.mask !== undefined ? { mask: x.mask } : {};
}

/** Whether a layer that is given a list of tensors sees no mask of theirs when it makes its own: Keras 3 until 3.3. */
export function losesMasks(layer: Layer): boolean {
  return layer.generation === 3 && !writtenSince(layer, 3, 4);
}

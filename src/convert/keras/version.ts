import type { Layer } from './layer.js';

/** Whether the file was written by Keras `major.minor` or later. Releases change what a mask does. */
export function writtenSince(layer: Layer, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = layer.version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

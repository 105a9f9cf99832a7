import type { LayerCall } from './layer.js';

/**
 * The option `key` of cropping and padding, as [before, after] for each of `rank` axes: one number for all, one number
 * an axis, or a pair an axis.
 */
export function readEdges(call: LayerCall, key: string, rank: number): (readonly [number, number])[] {
  const { config } = call.layer;
  const value = config.get(key);
  const size = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= 0;
  const pair = (item: unknown): item is [number, number] =>
    Array.isArray(item) && item.length === 2 && item.every(size);
  if (size(value)) return Array.from({ length: rank }, () => [value, value] as const);
  if (Array.isArray(value)) {
    if (rank === 1 && pair(value)) return [value];
    if (value.length === rank && value.every(size)) return value.map((item) => [item, item] as const);
    if (value.length === rank && value.every(pair)) return value.map(([before, after]) => [before, after] as const);
  }
  return config.refuse(`option ${key} is not a number, nor one or two for each of ${rank} axes`);
}

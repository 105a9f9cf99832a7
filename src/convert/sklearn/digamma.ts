/** The logarithmic derivative of the gamma function, for x > 0, to about 1e-15. */
export function digamma(x: number): number {
  let result = 0;
  let at = x;
  for (; at < 12; at++) result -= 1 / at;
  const square = 1 / (at * at);
  // Bernoulli numbers over 2k.
  const series = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];
  let tail = 0;
  for (const coefficient of series.toReversed()) tail = square * (coefficient + tail);
  return result + Math.log(at) - 0.5 / at - tail;
}

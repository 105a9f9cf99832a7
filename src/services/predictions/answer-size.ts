import { VitrinaError } from '../../errors.js';
import type { Tensor } from '../../tensor.js';

/** Bytes that a value in a list takes at least: a digit and a comma. */
const leastBytes = 2;

/**
 * Refuses answers of more values than any body of `bodyLimit` bytes holds, before they become texts: a model may make
 * millions of values of a few, and writing them would keep everybody else waiting.
 * @throws VitrinaError `answer-too-large`
 */
export function checkAnswerSize(outputs: Iterable<Tensor>, bodyLimit: number): void {
  let values = 0;
  for (const { data } of outputs) values += data.length;
  const limit = Math.floor(bodyLimit / leastBytes);
  if (values > limit) throw new VitrinaError('answer-too-large', { values, limit });
}

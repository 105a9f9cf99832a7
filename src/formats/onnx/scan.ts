import type { DescMessage } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import type { Limits } from '../limits.js';
import { protobufFields } from '../protobuf-fields.js';

/**
 * Walks a protobuf message without decoding it, so that what would overflow the stack or the memory when decoded is
 * refused before: nesting and the number of fields are capped, and every nested length must fit.
 */
export function scanMessage(desc: DescMessage, bytes: Uint8Array, limits: Limits): void {
  const overLimit = (what: string, value: number, setting: 'depth' | 'count'): VitrinaError =>
    new VitrinaError('artefact-over-limit', { format: 'ONNX', what, value, limit: limits[setting], setting });
  const nested = new Map<DescMessage, Map<number, DescMessage>>();
  const messagesOf = (message: DescMessage): Map<number, DescMessage> => {
    let found = nested.get(message);
    if (found === undefined) {
      found = new Map();
      for (const field of message.fields) if (field.message !== undefined) found.set(field.number, field.message);
      nested.set(message, found);
    }
    return found;
  };
  const pending = [{ desc, start: 0, end: bytes.length, depth: 1 }];
  let count = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.depth > limits.depth) throw overLimit('a nesting', next.depth, 'depth');
    const inner = messagesOf(next.desc);
    for (const field of protobufFields(bytes, next.start, next.end)) {
      if (field === undefined) {
        throw new VitrinaError('artefact-malformed', {
          format: 'ONNX',
          what: `a ${next.desc.name} is no protobuf message`,
          offset: next.start,
        });
      }
      if (++count > limits.count) throw overLimit('a number of fields', count, 'count');
      const message = inner.get(field.number);
      if (message !== undefined && field.wire === 2) {
        pending.push({ desc: message, start: field.start, end: field.end, depth: next.depth + 1 });
      }
    }
  }
}

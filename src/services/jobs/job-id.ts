import { randomFillSync } from 'node:crypto';

let lastTime = 0;
let counter = 0;

/**
 * A UUID of version 7 (RFC 9562, section 5.7, method 1): 48 bits of milliseconds, 12 of a counter within the
 * millisecond, 62 random ones. Ids of one process only grow, so that jobs keep the order in which they were asked for.
 */
export function newJobId(now = Date.now()): string {
  counter = now > lastTime ? 0 : counter + 1;
  if (now > lastTime) lastTime = now;
  if (counter > 0xfff) {
    lastTime++;
    counter = 0;
  }
  const bytes = randomFillSync(Buffer.alloc(16));
  bytes.writeUIntBE(lastTime, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const isJobId = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);

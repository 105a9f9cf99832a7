import { isIPv4, isIPv6 } from 'node:net';

/**
 * The part of an address that one party holds: an IPv4 address as it is (also when it comes as `::ffff:a.b.c.d`),
 * of an IPv6 address the first 64 bits, since a network hands out whole /64s. Anything else counts as itself.
 */
export function partyOf(address: string): string {
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return isIPv4(bare) ? bare : address.slice(0, 64);
  const groups = groupsOf(bare);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address. */
export function groupsOf(address: string): number[] {
  const plain = address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${((+a << 8) | +b).toString(16)}:${((+c << 8) | +d).toString(16)}`,
  );
  const [head = '', tail] = plain.split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = read(head);
  const after = tail === undefined ? [] : read(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

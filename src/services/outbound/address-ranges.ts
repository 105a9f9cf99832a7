import { isIP } from 'node:net';
import { groupsOf } from '../accounts/addresses.js';

/** Addresses whose first `bits` bits are those of `bytes` (4 of IPv4, 16 of IPv6). */
export interface AddressRange {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** What an address is that is not one of the public internet. */
export interface SpecialPurpose {
  /** "a loopback address". */
  readonly what: string;
  /** Whether hosts of one's own have such addresses, so that naming such a host is enough to reach it. */
  readonly ownNetwork: boolean;
}

const mapped: AddressRange = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], bits: 96 };
const globalUnicast: AddressRange = { bytes: [0x20, ...new Array<number>(15).fill(0)], bits: 3 };

/** The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and the multicast and reserved blocks. */
const special = (
  [
    ['0.0.0.0/8', 'an unspecified address'],
    ['10.0.0.0/8', 'a private address', 'own'],
    ['100.64.0.0/10', 'an address shared behind a carrier’s NAT', 'own'],
    ['127.0.0.0/8', 'a loopback address', 'own'],
    ['169.254.0.0/16', 'a link-local address'],
    ['172.16.0.0/12', 'a private address', 'own'],
    ['192.0.0.0/24', 'an address of IETF protocols'],
    ['192.0.2.0/24', 'a documentation address'],
    ['192.88.99.0/24', 'an address of 6to4 relays'],
    ['192.168.0.0/16', 'a private address', 'own'],
    ['198.18.0.0/15', 'a benchmarking address'],
    ['198.51.100.0/24', 'a documentation address'],
    ['203.0.113.0/24', 'a documentation address'],
    ['224.0.0.0/4', 'a multicast address'],
    ['255.255.255.255/32', 'the broadcast address'],
    ['240.0.0.0/4', 'a reserved address'],
    ['::/128', 'an unspecified address'],
    ['::1/128', 'a loopback address', 'own'],
    ['2001::/23', 'an address of IETF protocols'],
    ['2001:db8::/32', 'a documentation address'],
    ['3fff::/20', 'a documentation address'],
    ['fc00::/7', 'a unique local address', 'own'],
    ['fe80::/10', 'a link-local address'],
    ['fec0::/10', 'a site-local address'],
    ['ff00::/8', 'a multicast address'],
  ] as const
).map(([range, what, own]) => ({ range: parseRange(range)!, what, ownNetwork: own === 'own' }));

/** IPv6 addresses that stand for IPv4 ones, and where those are: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380). */
const translated = (
  [
    ['64:ff9b::/96', (bytes) => [bytes.slice(12)]],
    ['2002::/16', (bytes) => [bytes.slice(2, 6)]],
    ['2001::/32', (bytes) => [bytes.slice(4, 8), bytes.slice(12).map((byte) => byte ^ 0xff)]],
  ] as const satisfies readonly (readonly [string, (bytes: readonly number[]) => readonly (readonly number[])[]])[]
).map(([range, embedded]) => ({ range: parseRange(range)!, embedded }));

/** The bytes of an address; of `::ffff:a.b.c.d` those of the IPv4 address that is reached by it. */
export function addressBytes(address: string): readonly number[] | undefined {
  const [bare = ''] = address.split('%');
  const family = isIP(bare);
  if (family === 0) return undefined;
  if (family === 4) return bare.split('.').map(Number);
  const bytes = groupsOf(bare).flatMap((group) => [group >> 8, group & 255]);
  return contains(mapped, bytes) ? bytes.slice(12) : bytes;
}

/** Reads `10.1.0.0/16`, or an address as the range of itself alone. */
export function parseRange(text: string): AddressRange | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  const most = bytes.length * 8;
  // The length of a range of mapped addresses counts the 96 bits before them.
  const offset = most === 32 && address.includes(':') ? 96 : 0;
  const bits = length === undefined ? most : Number(length) - offset;
  return bits >= 0 && bits <= most ? { bytes, bits } : undefined;
}

export function contains({ bytes, bits }: AddressRange, address: readonly number[]): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  const mask = 0xff & ~(0xff >> (bits & 7));
  return (
    bytes.slice(0, whole).every((byte, at) => byte === address[at]) &&
    (mask === 0 || (bytes[whole]! & mask) === (address[whole]! & mask))
  );
}

/** What an address is apart from public; nothing for those that lead to the public internet. */
export function specialPurpose(bytes: readonly number[]): SpecialPurpose | undefined {
  for (const { range, embedded } of translated) {
    if (!contains(range, bytes)) continue;
    for (const inner of embedded(bytes)) {
      const purpose = specialPurpose(inner);
      if (purpose !== undefined) {
        return { what: `an IPv6 address for ${inner.join('.')}, ${purpose.what}`, ownNetwork: false };
      }
    }
    return undefined;
  }
  const found = special.find(({ range }) => contains(range, bytes));
  if (found !== undefined) return found;
  return bytes.length === 4 || contains(globalUnicast, bytes)
    ? undefined
    : { what: 'no address of the public internet', ownNetwork: false };
}

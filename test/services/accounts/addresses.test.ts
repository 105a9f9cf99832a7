import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partyOf } from '../../../src/services/accounts/addresses.js';

describe('partyOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['', ''],
    ['no address', 'no address'],
  ])('%s is %s', (address, party) => {
    expect(partyOf(address)).toBe(party);
  });

  it('depends on the first 64 bits alone, however the address is written', () => {
    const group = fc.integer({ min: 1, max: 0xfffe });
    fc.assert(
      fc.property(
        fc.tuple(group, group, group, group),
        fc.array(group, { minLength: 4, maxLength: 4 }),
        (net, host) => {
          const text = (groups: number[]) => groups.map((one) => one.toString(16)).join(':');
          const party = partyOf(`${text(net)}::`);
          expect(partyOf(text([...net, ...host]))).toBe(party);
          expect(partyOf(`${text(net)}::${text(host.slice(0, 2))}`.toUpperCase())).toBe(party);
          expect(partyOf(text([net[0], net[1], net[2], net[3] ^ 1, ...host]))).not.toBe(party);
        },
      ),
    );
  });

  it('never fails and never grows, whatever is given', () => {
    fc.assert(fc.property(fc.string({ maxLength: 500 }), (text) => partyOf(text).length <= 64));
  });
});

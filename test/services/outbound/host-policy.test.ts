import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrinaError } from '../../../src/errors.js';
import { HostPolicy } from '../../../src/services/outbound/host-policy.js';
import { readUrl } from '../../../src/services/outbound/outbound-url.js';

/** The code with which a URL is refused, given the addresses of its host where that is a name. */
function refused(text: string, allow: readonly string[] = [], addresses: readonly string[] = ['1.1.1.1']) {
  try {
    const policy = new HostPolicy({ allow });
    const url = readUrl(text);
    policy.admit(url);
    policy.demand(url.hostname, Number(url.port || 80), /^\[|^[\d.]+$/.test(url.hostname) ? [] : addresses);
    return undefined;
  } catch (error) {
    if (error instanceof VitrinaError) return error.code === 'outbound-host-refused' ? error.message : error.code;
    throw error;
  }
}

const notPublic: readonly (readonly [address: string, what: string])[] = [
  ['0.0.0.0', 'an unspecified address'],
  ['0.1.2.3', 'an unspecified address'],
  ['10.0.0.1', 'a private address'],
  ['100.64.0.1', 'an address shared behind a carrier’s NAT'],
  ['100.127.255.255', 'an address shared behind a carrier’s NAT'],
  ['127.0.0.1', 'a loopback address'],
  ['127.255.255.254', 'a loopback address'],
  ['169.254.169.254', 'a link-local address'],
  ['172.16.0.1', 'a private address'],
  ['172.31.255.255', 'a private address'],
  ['192.0.0.8', 'an address of IETF protocols'],
  ['192.0.2.1', 'a documentation address'],
  ['192.88.99.1', 'an address of 6to4 relays'],
  ['192.168.1.1', 'a private address'],
  ['198.18.0.1', 'a benchmarking address'],
  ['198.19.255.255', 'a benchmarking address'],
  ['198.51.100.7', 'a documentation address'],
  ['203.0.113.7', 'a documentation address'],
  ['224.0.0.1', 'a multicast address'],
  ['239.255.255.250', 'a multicast address'],
  ['240.0.0.1', 'a reserved address'],
  ['255.255.255.255', 'the broadcast address'],
  ['::', 'an unspecified address'],
  ['::1', 'a loopback address'],
  ['::127.0.0.1', 'no address of the public internet'],
  ['::ffff:127.0.0.1', 'a loopback address'],
  ['::ffff:a9fe:a9fe', 'a link-local address'],
  ['64:ff9b::10.0.0.1', 'an IPv6 address for 10.0.0.1, a private address'],
  ['64:ff9b:1::1.1.1.1', 'no address of the public internet'],
  ['100::1', 'no address of the public internet'],
  ['2001::1', 'an IPv6 address for 0.0.0.0, an unspecified address'],
  ['2001:0:101:101:0:0:80ff:fffe', 'an IPv6 address for 127.0.0.1, a loopback address'],
  ['2001:2::1', 'an address of IETF protocols'],
  ['2001:db8::1', 'a documentation address'],
  ['2002:7f00:1::', 'an IPv6 address for 127.0.0.1, a loopback address'],
  ['2002:c0a8:101::5', 'an IPv6 address for 192.168.1.1, a private address'],
  ['3fff:0fff::1', 'a documentation address'],
  ['5f00::1', 'no address of the public internet'],
  ['fc00::1', 'a unique local address'],
  ['fd12:3456::1', 'a unique local address'],
  ['fe80::1', 'a link-local address'],
  ['febf::1', 'a link-local address'],
  ['fec0::1', 'a site-local address'],
  ['ff02::1', 'a multicast address'],
];

const written = (address: string) => (address.includes(':') ? `[${address}]` : address);

describe('hosts of the public internet', () => {
  it.each(notPublic)('are not at %s, which is %s', (address, what) => {
    expect(refused(`http://${written(address)}/`)).toContain(`it is ${what}.`);
    expect(refused('http://a.example/', [], ['1.1.1.1', address])).toContain(
      `(${address}) is not asked: it is ${what}.`,
    );
  });

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1',
    '2001:4860:4860::8888',
    '64:ff9b::1.1.1.1',
    '2002:101:101::1',
    '2001:0:101:101:0:0:fefe:fefe',
    '::ffff:1.1.1.1',
  ])('may be at %s', (address) => {
    expect(refused(`http://${written(address)}/`)).toBeUndefined();
    expect(refused('https://a.example:8443/', [], [address])).toBeUndefined();
  });

  it('are refused when a resolver gives no addresses but something else', () => {
    expect(refused('http://a.example/', [], ['localhost'])).toContain('this is no IP address');
  });
});

/** One part of an address, as a URL may spell it. */
const spelledPart = (value: number) =>
  fc.constantFrom(
    String(value),
    `0x${value.toString(16)}`,
    `0X${value.toString(16).toUpperCase()}`,
    `0x00${value.toString(16)}`,
    `0${value.toString(8)}`,
    `000${value.toString(8)}`,
  );

/** All the ways in which the parts of an IPv4 address are joined (the last one may hold several bytes) and written. */
const spelled = ([a, b, c, d]: readonly number[]) => {
  const number = (bytes: readonly number[]) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const parts = [[a, b, c, d], [a, b, number([c!, d!])], [a, number([b!, c!, d!])], [number([a!, b!, c!, d!])]];
  return fc
    .constantFrom(...parts)
    .chain((values) => fc.tuple(...values.map((value) => spelledPart(value!))))
    .chain((texts) => {
      const text = texts.join('.');
      const wide = (of: string) => of.replace(/[0-9a-f]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0));
      const percent = (of: string) => of.replace(/\d/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
      return fc.constantFrom(
        text,
        `${text}.`,
        wide(text),
        percent(text),
        text.replaceAll('.', '。'),
        text.replaceAll('.', '．'),
        `[::ffff:${a}.${b}.${c}.${d}]`,
        `[0:0:0:0:0:ffff:${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}]`,
        `[64:ff9b::${a}.${b}.${c}.${d}]`,
        `[2002:${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}::1]`,
      );
    });
};
const byte = fc.nat(255);
const privateBytes = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127), byte, byte, byte),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
  fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
  fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
);

describe('a URL of a private IPv4 address', () => {
  it('is refused however it is spelled', () => {
    const spellings = privateBytes.chain((bytes) => spelled(bytes));
    fc.assert(
      fc.property(spellings, fc.constantFrom('http', 'https'), (host, scheme) => {
        expect(refused(`${scheme}://${host}:8080/x`)).toContain('is not asked: it is ');
      }),
      { numRuns: 2000 },
    );
  });

  it('would be let through if it were public, so that the spellings are ones', () => {
    fc.assert(
      fc.property(spelled([1, 1, 1, 1]), (host) => {
        expect(refused(`http://${host}/`)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe('a URL', () => {
  it.each([
    ['file:///etc/passwd', 'outbound-url-invalid'],
    ['ftp://a.example/x', 'outbound-url-invalid'],
    ['data:text/plain,x', 'outbound-url-invalid'],
    ['gopher://a.example:70/_x', 'outbound-url-invalid'],
    ['javascript:alert(1)', 'outbound-url-invalid'],
    ['blob:http://a.example/x', 'outbound-url-invalid'],
    ['ws://a.example/', 'outbound-url-invalid'],
    ['a.example/x', 'outbound-url-invalid'],
    ['//a.example/x', 'outbound-url-invalid'],
    ['', 'outbound-url-invalid'],
    ['http://', 'outbound-url-invalid'],
    ['http://a.example:99999/', 'outbound-url-invalid'],
    ['http://256.256.256.256/', 'outbound-url-invalid'],
    ['http://[fe80::1%25eth0]/', 'outbound-url-invalid'],
    ['http://user@a.example/', 'outbound-url-invalid'],
    ['http://:pw@a.example/', 'outbound-url-invalid'],
    ['http:user:pw@a.example', 'outbound-url-invalid'],
  ])('%j is refused', (url, code) => {
    expect(refused(url)).toBe(code);
  });

  it('is shown without credentials and query', () => {
    const show = (text: string) => {
      try {
        new HostPolicy({ allow: [] }).admit(readUrl(text));
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const text of [
      'http://user:hunter2@a.example/x?hunter2#hunter2',
      'http:user:hunter2@a.example/',
      'http://user:hunter2@a.example:99999/',
      '//user:hunter2@a.example/?x',
      'a.example?token=hunter2',
      'http://10.0.0.1/?token=hunter2',
      'data:text/plain,hunter2',
    ]) {
      expect(show(text)).not.toBe('');
      expect(show(text)).not.toContain('hunter2');
    }
    expect(show('http://user:hunter2@a.example/x?y')).toContain('http://a.example/x ');
  });
});

describe('allowed hosts', () => {
  it.each([
    ['saturno.example', 'http://saturno.example/', '1.1.1.1'],
    ['saturno.example', 'http://SATURNO.example.:8080/', '10.0.0.1'],
    ['saturno.example', 'http://saturno.example/', '127.0.0.1'],
    ['saturno.example', 'http://saturno.example/', 'fd00::1'],
    ['Saturno.Example', 'http://saturno.example/', '1.1.1.1'],
    ['saturno.example:8080', 'http://saturno.example:8080/', '10.0.0.1'],
    ['saturno.example:80', 'http://saturno.example/', '1.1.1.1'],
    ['bücher.example', 'http://xn--bcher-kva.example/', '1.1.1.1'],
    ['*.example.org', 'http://a.b.example.org/', '1.1.1.1'],
    ['127.0.0.1', 'http://127.0.0.1:1234/', ''],
    ['127.0.0.1', 'http://[::ffff:7f00:1]/', ''],
    ['127.0.0.1:81', 'http://127.1:81/', ''],
    ['::1', 'http://[::1]/', ''],
    ['[fd00::1]', 'http://[fd00:0::1]/', ''],
    ['[fd00::1]:81', 'http://[fd00::1]:81/', ''],
    ['10.1.0.0/16', 'http://10.1.255.255/', ''],
    ['10.1.0.0/15', 'http://10.0.0.1/', ''],
    ['fd00::/8', 'http://[fdff::1]/', ''],
    ['::ffff:10.0.0.0/104', 'http://10.200.0.1/', ''],
    ['169.254.169.254', 'http://169.254.169.254/', ''],
  ])('%s reaches %s at "%s"', (entry, url, address) => {
    expect(refused(url, [entry], [address])).toBeUndefined();
    expect(refused(url, ['b.example', entry, '8.8.8.8'], [address])).toBeUndefined();
  });

  it.each([
    ['saturno.example', 'http://a.saturno.example/', '1.1.1.1'],
    ['saturno.example', 'http://xsaturno.example/', '1.1.1.1'],
    ['saturno.example', 'http://1.1.1.1/', ''],
    ['saturno.example', 'http://saturno.example/', '169.254.169.254'],
    ['saturno.example', 'http://saturno.example/', '0.0.0.0'],
    ['saturno.example', 'http://saturno.example/', 'ff02::1'],
    ['saturno.example:8080', 'http://saturno.example/', '1.1.1.1'],
    ['saturno.example:8080', 'http://saturno.example:8081/', '1.1.1.1'],
    ['*.example.org', 'http://example.org/', '1.1.1.1'],
    ['*.example.org', 'http://xexample.org/', '1.1.1.1'],
    ['*.example.org', 'http://a.example.org/', '10.0.0.1'],
    ['127.0.0.1', 'http://127.0.0.2/', ''],
    ['127.0.0.1', 'http://localhost/', '127.0.0.1'],
    ['127.0.0.1:81', 'http://127.0.0.1/', ''],
    ['127.0.0.1', 'http://8.8.8.8/', ''],
    ['10.1.0.0/16', 'http://10.2.0.0/', ''],
    ['10.1.0.0/16', 'http://a.example/', '10.1.0.1'],
    ['fd00::/8', 'http://[fc00::1]/', ''],
  ])('%s does not reach %s at "%s"', (entry, url, address) => {
    expect(refused(url, [entry], [address])).toContain('is not asked');
  });

  it('that are named below a domain are reached at the private addresses that are named too', () => {
    const allow = ['*.example.org', '10.1.0.0/16'];
    expect(refused('http://a.example.org/', allow, ['10.1.2.3', '1.1.1.1'])).toBeUndefined();
    expect(refused('http://a.example.org/', allow, ['10.1.2.3', '10.2.2.3'])).toContain('(10.2.2.3) is not asked');
  });

  it.each([
    '',
    '*',
    '*.',
    'a.*.example',
    '*.10.0.0.1',
    'http://a.example',
    'a.example/x',
    'user@a.example',
    'a.example:0',
    'a.example:65536',
    'a.example:x',
    '10.0.0.0/33',
    '::1/129',
    '::ffff:10.0.0.0/90',
    '10.0.0.0/8:80',
    'a.example/8',
    '[::1',
    'a b',
  ])('cannot be %j', (entry) => {
    expect(() => new HostPolicy({ allow: ['a.example', entry] })).toThrow(/is no allowed host/);
  });
});

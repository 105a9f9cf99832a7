import { isIP } from 'node:net';
import { VitrinaError } from '../../errors.js';
import { type AddressRange, addressBytes, contains, parseRange, specialPurpose } from './address-ranges.js';

/** Which hosts may be asked. */
export interface OutboundPolicy {
  /**
   * Empty: every host whose addresses are all public.
   *
   * Otherwise only the hosts that are listed:
   * - `saturno.example`: this host, at public addresses and those of one's own network (private, loopback, unique
   *   local, shared behind a carrier's NAT);
   * - `*.example.org`: every host below `example.org`, at public addresses;
   * - `10.1.2.3`, `[fd00::1]`, `10.1.0.0/16`: URLs whose host is such an address, whatever it is, and hosts that
   *   another entry names, at such addresses. A name that nobody listed is not reached by what it resolves to.
   *
   * A name or an address may end in `:port`, and then is an entry for that port alone.
   */
  readonly allow: readonly string[];
}

interface NameEntry {
  readonly name: string;
  readonly below: boolean;
  readonly port: number | undefined;
}

interface AddressEntry {
  readonly range: AddressRange;
  readonly port: number | undefined;
}

/** Decides twice: of a URL before anything is asked, and of the addresses of its host before a connection is made. */
export class HostPolicy {
  private readonly names: readonly NameEntry[];
  private readonly addresses: readonly AddressEntry[];

  /** @throws VitrinaError `outbound-allow-invalid` */
  constructor({ allow }: OutboundPolicy) {
    const entries = allow.map(readEntry);
    this.names = entries.filter((entry) => 'name' in entry);
    this.addresses = entries.filter((entry) => 'range' in entry);
  }

  /** @throws VitrinaError `outbound-host-refused` where it can be told from the URL alone */
  admit(url: URL): void {
    const host = bareHost(url.hostname);
    const port = portOf(url.protocol, url.port);
    if (isIP(host) !== 0) this.demand(host, port, [host]);
    else if (!this.isAnyHost && !this.names.some((entry) => isNamedBy(entry, host, port))) {
      throw refusal(host, undefined, 'it is not among the allowed hosts');
    }
  }

  /**
   * That all addresses of a host that was admitted may be reached: one that may not makes the others suspicious.
   *
   * @throws VitrinaError `outbound-host-refused`
   */
  demand(host: string, port: number, addresses: readonly string[]): void {
    const name = bareHost(host);
    const isNamed = this.names.some((entry) => !entry.below && isNamedBy(entry, name, port));
    for (const address of addresses) {
      const bytes = addressBytes(address);
      if (bytes === undefined) throw refusal(name, address, 'this is no IP address');
      if (this.addresses.some((entry) => isPort(entry, port) && contains(entry.range, bytes))) continue;
      const purpose = specialPurpose(bytes);
      if (purpose !== undefined && !(isNamed && purpose.ownNetwork)) {
        throw refusal(name, address, `it is ${purpose.what}`);
      }
      if (!this.isAnyHost && isIP(name) !== 0) throw refusal(name, address, 'it is not among the allowed hosts');
    }
  }

  private get isAnyHost(): boolean {
    return this.names.length === 0 && this.addresses.length === 0;
  }
}

/** The port that a URL means. */
export function portOf(protocol: string, port: string): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** `[::1]` as `::1`, and `a.example.` as `a.example`, which is the same host. */
function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '').toLowerCase();
}

const isPort = (entry: { readonly port: number | undefined }, port: number) =>
  entry.port === undefined || entry.port === port;

const isNamedBy = (entry: NameEntry, host: string, port: number) =>
  isPort(entry, port) && (entry.below ? host.endsWith(`.${entry.name}`) : host === entry.name);

const refusal = (host: string, address: string | undefined, why: string) =>
  new VitrinaError('outbound-host-refused', { host, address, why });

function readEntry(text: string): NameEntry | AddressEntry {
  const whole = parseRange(text);
  if (whole !== undefined) return { range: whole, port: undefined };
  const [, below, host = '', digits] = /^(\*\.)?(\[[^\]]*\]|[^\s:/?#@*[\]\\]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  const isHost = host !== '' && URL.canParse(`http://${host}`) && port !== 0 && (port ?? 1) < 65_536;
  const name = isHost ? bareHost(new URL(`http://${host}`).hostname) : '';
  const range = parseRange(name);
  if (name === '' || (range !== undefined && below !== undefined)) {
    throw new VitrinaError('outbound-allow-invalid', { entry: text });
  }
  return range === undefined ? { name, below: below !== undefined, port } : { range, port };
}

import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import { type HostPolicy, portOf } from './host-policy.js';

/** All addresses of a host, as the system's resolver gives them. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const lookupAddresses: Lookup = async (host) =>
  (await systemLookup(host, { all: true })).map(({ address }) => address);

/** Milliseconds that looking up a name, connecting and the handshake may take together. */
const connectTimeoutMs = 10_000;

/**
 * Makes connections to addresses that the policy has seen. A name is looked up once for each connection, and the
 * connection is made to what that gave: asking again would be asking somebody who may have changed their mind
 * (DNS rebinding). A connection that is kept open and used again goes where it went.
 */
export function checkedConnector(
  build: typeof buildConnector,
  policy: HostPolicy,
  lookup: Lookup,
): buildConnector.connector {
  return (options, callback) => {
    const port = portOf(options.protocol, options.port);
    // `net.connect` looks nothing up where the host is an address.
    if (isIP(options.hostname) !== 0) {
      try {
        policy.demand(options.hostname, port, [options.hostname]);
      } catch (error) {
        callback(error as Error, null);
        return;
      }
    }
    const connect = build({
      port,
      timeout: connectTimeoutMs,
      lookup: checkedLookup(policy, lookup, port),
      allowH2: false,
      rejectUnauthorized: true,
    });
    connect(options, callback);
  };
}

function checkedLookup(policy: HostPolicy, lookup: Lookup, port: number): LookupFunction {
  return (host, options, callback) => {
    const find = async () => {
      const addresses = await lookup(host);
      policy.demand(host, port, addresses);
      if (addresses.length > 0) return addresses.map((address) => ({ address, family: isIP(address) }));
      throw Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });
    };
    find().then(
      (found) => {
        if (options.all) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

/** What the system says of a connection that does not come about or breaks, by code, in words that name no address. */
export const systemReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'the connection was cut off',
  EPIPE: 'the connection was cut off',
  ETIMEDOUT: 'the connection was not made in time',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  EAI_AGAIN: 'its name cannot be looked up now',
  ENOTFOUND: 'its name is not known now',
  ENOENT: 'its socket is not there',
};

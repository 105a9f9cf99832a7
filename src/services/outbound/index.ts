export type { Downloaded, DownloadOptions } from './download.js';
export type { OutboundPolicy } from './host-policy.js';
export { OutboundClient, type OutboundOptions } from './outbound-client.js';
export { type RetryDelays, retryAfterMs, retryDelay } from './retry-delay.js';
export type { SendOptions, Sent } from './send.js';
export { sign, signatureHeader, verifySignature } from './signature.js';

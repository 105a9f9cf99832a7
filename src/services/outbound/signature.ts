import { createHmac, timingSafeEqual } from 'node:crypto';

/** The header that carries a signature. */
export const signatureHeader = 'X-Vitrina-Signature';

/**
 * What `X-Vitrina-Signature` says of a body: `t=<timestampSeconds>,v1=<hex>`, where the hex digits are HMAC-SHA256
 * (RFC 2104) of `<timestampSeconds>.<body>`. The time is signed too, so that whoever overhears a request cannot send it
 * again later.
 */
export function sign(secret: string, timestampSeconds: number, body: string | Uint8Array): string {
  return `t=${timestampSeconds},v1=${digest(secret, String(timestampSeconds), body).toString('hex')}`;
}

/**
 * Whether a header of `sign` was made with `secret` for these very bytes, no more than `toleranceSeconds` away from
 * `nowSeconds`. For receivers, who must have the body as it came, not parsed and written again. Takes the same time
 * wherever signatures differ; parts of other names are passed over, and of several `v1` one must fit, so that a sender
 * may change its secret.
 */
export function verifySignature(
  secret: string,
  header: string,
  body: string | Uint8Array,
  toleranceSeconds: number,
  nowSeconds: number,
): boolean {
  const parts = header.split(',').map((part) => part.trim());
  const [time, ...moreTimes] = parts.filter((part) => part.startsWith('t='));
  const seconds = /^t=(\d{1,15})$/.exec(time ?? '')?.[1];
  if (seconds === undefined || moreTimes.length > 0) return false;
  if (Math.abs(nowSeconds - Number(seconds)) > toleranceSeconds) return false;
  const expected = digest(secret, seconds, body);
  return parts.some((part) => {
    const hex = /^v1=([0-9a-f]{64})$/.exec(part)?.[1];
    return hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), expected);
  });
}

function digest(secret: string, seconds: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.`).update(body).digest();
}

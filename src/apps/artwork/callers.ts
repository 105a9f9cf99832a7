import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { demandScope, type Platform, VitrinaError } from '../../index.js';

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/**
 * Who may post packages and look at them: whoever has the system token, sent raw in `Authorization` as the original's
 * client does, or after `Bearer`; a key or login with the scope `artwork:write`; an admin. Of the system token only its
 * hash is kept.
 */
export class Callers {
  private readonly token: Buffer | undefined;

  constructor(
    token: string | undefined,
    private readonly accounts: Platform['accounts'],
  ) {
    this.token = token === undefined ? undefined : digest(token);
  }

  /** @throws VitrinaError `unauthenticated`, `token-invalid`, `forbidden`, `rate-exceeded` */
  async admit(request: FastifyRequest): Promise<void> {
    const credential = read(request);
    if (this.token !== undefined && timingSafeEqual(digest(credential), this.token)) return;
    const principal = await this.accounts.authenticate(credential);
    demandScope(principal, 'artwork:write');
    await this.accounts.pass(principal);
    request.principal = principal;
  }
}

function read({ headers }: FastifyRequest): string {
  const { authorization, 'x-api-key': key } = headers;
  const credential = authorization?.replace(/^Bearer +/i, '').trim() || (typeof key === 'string' ? key : '');
  if (credential !== '') return credential;
  throw new VitrinaError('unauthenticated', {}, { headers: { 'WWW-Authenticate': 'Bearer' } });
}

import { hostname, networkInterfaces } from 'node:os';
import type { Platform } from '../../index.js';
import type { JobKinds } from './job-kinds.js';

/** Several processes of one server that start together announce themselves once. */
const togetherMs = 60_000;

/** Asks for the announcement that the app is there. Keeps nobody from being served, whatever becomes of it. */
export function announceStart(platform: Platform, { announce }: JobKinds): void {
  const input = { ip: addressOf(), hostname: hostname() };
  const idempotencyKey = `${input.hostname} ${input.ip} ${Math.floor(Date.now() / togetherMs)}`;
  platform.jobs.enqueue(announce, input, { idempotencyKey }).catch((error: unknown) => {
    platform.log.error({ err: error }, 'The app could not ask for its announcement.');
  });
}

/** The machine's first address that others may reach. */
function addressOf(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outward = all.filter(({ internal }) => !internal);
  return (outward.find(({ family }) => family === 'IPv4') ?? outward[0])?.address ?? '127.0.0.1';
}

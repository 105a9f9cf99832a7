import type { ServerWritableStream } from '@grpc/grpc-js';
import { VitrinaError } from '../errors.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { WireReader, wireTypes } from './wire.js';

export type HealthStream = ServerWritableStream<Buffer, Buffer>;

/** `HealthCheckResponse.ServingStatus`, as far as it is told. */
const statuses = { serving: 1, notServing: 2, unknown: 3 } as const;
type ServingStatus = (typeof statuses)[keyof typeof statuses];

/** Streams of `Watch` that may be open: anybody may open one. */
const watcherLimit = 1_000;

/**
 * `grpc.health.v1.Health`. Specification: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export class Health {
  private readonly watchers = new Map<HealthStream, { readonly service: string; told?: ServingStatus }>();
  private stopping = false;
  private readonly update = () => {
    for (const call of this.watchers.keys()) this.tell(call);
  };

  /** @param services those that are as healthy as the server; the server itself is `''`. */
  constructor(
    private readonly models: ModelRepository,
    private readonly services: readonly string[],
  ) {
    models.on('change', this.update);
  }

  /** `HealthCheckResponse` to a `HealthCheckRequest`. Errors: `grpc-service-unknown`, `request-malformed`. */
  check(request: Buffer): Buffer {
    const service = readService(request);
    const found = this.statusOf(service);
    if (found === statuses.unknown) {
      throw new VitrinaError('grpc-service-unknown', { service: service.slice(0, 100), known: this.services });
    }
    return writeStatus(found);
  }

  /** Tells the status now, and whenever it changes. Errors: `grpc-watchers-over-limit`, `request-malformed`. */
  watch(call: HealthStream): void {
    if (this.watchers.size >= watcherLimit) throw new VitrinaError('grpc-watchers-over-limit', { limit: watcherLimit });
    this.watchers.set(call, { service: readService(call.request) });
    call.on('cancelled', () => this.watchers.delete(call));
    call.on('error', () => undefined);
    this.tell(call);
  }

  /** Tells every watcher that the server takes no more calls, and ends its stream. */
  close(): void {
    this.stopping = true;
    this.update();
    for (const call of this.watchers.keys()) call.end();
    this.watchers.clear();
    this.models.off('change', this.update);
  }

  private tell(call: HealthStream): void {
    const watcher = this.watchers.get(call)!;
    const found = this.statusOf(watcher.service);
    if (watcher.told === found) return;
    watcher.told = found;
    call.write(writeStatus(found));
  }

  private statusOf(service: string): ServingStatus {
    if (!this.services.includes(service)) return statuses.unknown;
    return this.models.ready && !this.stopping ? statuses.serving : statuses.notServing;
  }
}

function readService(request: Buffer): string {
  const message = new WireReader(request);
  let service = '';
  while (message.next()) {
    if (message.field === 1) service = message.text();
    else message.skip();
  }
  return service;
}

const writeStatus = (found: ServingStatus): Buffer => Buffer.from([1 * 8 + wireTypes.varint, found]);

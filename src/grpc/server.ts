import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type StatusObject,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { VitrinaError } from '../errors.js';
import type { Telemetry } from '../plugins/telemetry.js';
import type { Accounts } from '../services/accounts/index.js';
import type { PredictionService } from '../services/predictions/prediction-service.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { type Access, admission, type CallContext, contextOf } from './call-context.js';
import { CallWatch } from './call-watch.js';
import { unaryCalls } from './calls.js';
import { healthMethods, healthService, inferenceService, loadInferenceService } from './definitions.js';
import { Health, type HealthStream } from './health.js';
import { decodeInfer, infer } from './infer.js';
import { type InferStream, InferStreams } from './infer-stream.js';

export interface GrpcOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Bytes of a message. */
  readonly bodyLimit: number;
  /** Milliseconds that a prediction gets which names no time; 0: as long as it takes. */
  readonly defaultTimeoutMs: number;
  /** Milliseconds that a message gets to arrive; a minute unless given, as a body over HTTP. */
  readonly messageMs?: number;
}

export interface GrpcServices {
  readonly models: ModelRepository;
  readonly predictions: PredictionService;
  readonly accounts: Accounts;
  readonly telemetry: Telemetry;
}

export interface GrpcServer {
  readonly port: number;
  /**
   * Takes no more calls and answers those that it took; what is not done after `graceMs` is cut off. Safe to call twice.
   */
  stop(graceMs: number): Promise<void>;
}

/** Streams of one connection: each may hold a message. */
const streamLimit = 256;
/** A connection whose peer does not answer a ping is closed: a machine that vanished sends no end. */
const keepalive = { every: 60_000, timeout: 20_000 };
/** A connection without a call is closed; clients open another when they need one. */
const idleMs = 15 * 60_000;

/**
 * The Open Inference Protocol over gRPC, as Triton publishes it (`protocol/`), and gRPC's own health service.
 * Errors: `port-in-use`, `address-unusable`.
 */
export async function startGrpcServer(options: GrpcOptions, services: GrpcServices): Promise<GrpcServer> {
  const { models, predictions, accounts, telemetry } = services;
  const door = { predictions, defaultTimeoutMs: options.defaultTimeoutMs };
  const calls = unaryCalls(models);
  const health = new Health(models, ['', inferenceService]);
  const streams = new InferStreams(door);
  const access = new Map<string, Access>([
    [`/${healthService}/Check`, 'public'],
    [`/${healthService}/Watch`, 'public'],
    [`/${inferenceService}/ModelInfer`, ['predict']],
    [`/${inferenceService}/ModelStreamInfer`, ['predict']],
    ...Object.entries(calls).map(([name, call]) => [`/${inferenceService}/${name}`, call.access] as const),
  ]);
  const calling = new CallWatch(access.keys(), telemetry);
  const server = new Server({
    'grpc.max_receive_message_length': options.bodyLimit,
    'grpc.max_concurrent_streams': streamLimit,
    'grpc.keepalive_time_ms': keepalive.every,
    'grpc.keepalive_timeout_ms': keepalive.timeout,
    'grpc.max_connection_idle_ms': idleMs,
    'grpc.enable_channelz': 0,
    interceptors: [admission(access, accounts, calling, options.messageMs ?? 60_000)],
  });
  const { methods, codecs } = loadInferenceService();
  const handlers: Record<string, UntypedHandleCall> = {
    ModelInfer: unary(async (message, call, context) => infer(door, decodeInfer(message), call, context)),
    ModelStreamInfer: (call: InferStream) => streams.serve(call),
  };
  for (const [name, { answer }] of Object.entries(calls)) {
    const { decode, encode } = codecs[name]!;
    handlers[name] = unary(async (message) => encode(await answer(decode(message) as never)));
  }
  server.addService(methods, handlers);
  server.addService(healthMethods, {
    Check: unary(async (message) => health.check(message)),
    Watch: (call: HealthStream) => watch(health, call),
  });
  const port = await bind(server, options);
  let stopped: Promise<void> | undefined;
  return {
    port,
    stop(graceMs) {
      stopped ??= stop(server, health, streams, graceMs);
      return stopped;
    },
  };
}

type Answer = (
  message: Buffer,
  call: Parameters<handleUnaryCall<Buffer, Buffer>>[0],
  context: CallContext,
) => Promise<Buffer>;

/**
 * Messages are decoded in the handler, where an error is the caller's; grpc-js takes it for one of its own. `answer`
 * fails by its promise only.
 */
function unary(answer: Answer): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const context = contextOf(call);
    answer(call.request, call, context).then(
      (response) => {
        call.sendMetadata(context.echo());
        callback(null, response);
        context.done();
      },
      (error: unknown) => callback(context.refuse(error)),
    );
  };
}

function watch(health: Health, call: HealthStream): void {
  try {
    health.watch(call);
    call.on('cancelled', () => contextOf(call).done());
  } catch (error) {
    call.emit('error', contextOf(call).refuse(error));
  }
}

async function bind(server: Server, { host, port }: GrpcOptions): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else if (/EADDRINUSE/.test(error.message))
        reject(new VitrinaError('port-in-use', { host, port }, { cause: error }));
      else reject(new VitrinaError('address-unusable', { host, port, reason: error.message }, { cause: error }));
    });
  });
}

async function stop(server: Server, health: Health, streams: InferStreams, graceMs: number): Promise<void> {
  const closing: StatusObject = {
    code: status.UNAVAILABLE,
    details: 'The server is stopping; send what is left on a new stream.',
    metadata: new Metadata(),
  };
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const deadline = setTimeout(() => server.forceShutdown(), graceMs);
  health.close();
  streams.close(closing);
  await closed;
  clearTimeout(deadline);
}

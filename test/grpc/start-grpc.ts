/** The real gRPC door over real models, and the client that a Node user would write on the published proto. */
import { join } from 'node:path';
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type GrpcServer, startGrpcServer } from '../../src/grpc/server.js';
import { rememberPredictions } from '../../src/services/predictions/connected-caller.js';
import { PredictionService } from '../../src/services/predictions/prediction-service.js';
import { type StartedApp, startApp } from '../start-app.js';

const protocol = join(import.meta.dirname, '../../protocol');

/** Messages are plain objects here, as proto-loader makes them: 64-bit integers are texts. */
// biome-ignore lint/suspicious/noExplicitAny: proto-loader's messages have no types
export type Message = any;

export interface StartedGrpc {
  readonly started: StartedApp;
  readonly server: GrpcServer;
  readonly address: string;
  /** A client of `inference.GRPCInferenceService`, or of another service of the protocol folder. */
  client(service?: string, file?: string): Client & Record<string, Message>;
  /** Metadata with the admin's key. */
  readonly admin: Metadata;
  /** One unary call. */
  ask(method: string, request: Message, metadata?: Metadata, options?: object): Promise<Message>;
  /** The error of a call that fails. */
  fail(method: string, request: Message, metadata?: Metadata, options?: object): Promise<ServiceError>;
  close(): Promise<void>;
}

export function keyed(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set('x-api-key', key);
  return metadata;
}

export async function startGrpc(
  paths: readonly string[],
  flags: Readonly<Record<string, unknown>> = {},
): Promise<StartedGrpc> {
  const started = await startApp(paths, flags);
  const { models, accounts } = started;
  const predictions = new PredictionService(models, 10_000);
  predictions.observe(rememberPredictions);
  const server = await startGrpcServer(
    { host: '127.0.0.1', port: 0, bodyLimit: 2 ** 20, defaultTimeoutMs: 0, messageMs: 2_000 },
    { models, accounts, predictions, telemetry: started.app.telemetry },
  );
  const address = `127.0.0.1:${server.port}`;
  const clients: Client[] = [];
  const client = (service = 'inference.GRPCInferenceService', file = 'grpc_service.proto') => {
    const definition = loadSync(file, { includeDirs: [protocol], keepCase: true, longs: String, defaults: true });
    const made = service
      .split('.')
      .reduce((at: Message, name) => at[name], loadPackageDefinition(definition)) as Message;
    const one = new made(address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
    clients.push(one);
    return one;
  };
  const common = client();
  const admin = keyed(started.key);
  const ask: StartedGrpc['ask'] = (method, request, metadata = admin, options = {}) =>
    new Promise((resolve, reject) => {
      common[method](request, metadata, options, (error: ServiceError | null, answer: Message) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  return {
    started,
    server,
    address,
    client,
    admin,
    ask,
    fail: (...call) =>
      ask(...call).then(
        (answer) => {
          throw new Error(`answered ${JSON.stringify(answer)}`);
        },
        (error) => error,
      ),
    async close() {
      for (const one of clients) one.close();
      await server.stop(1_000);
      await started.close();
    },
  };
}

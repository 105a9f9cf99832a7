import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { packageRoot } from '../package-root.js';
import { malformed } from './wire.js';

export const inferenceService = 'inference.GRPCInferenceService';
export const healthService = 'grpc.health.v1.Health';

/** A method whose messages pass as bytes: they are decoded where an error is the caller's, not the transport's. */
type RawMethod = MethodDefinition<Buffer, Buffer>;

const same = (bytes: Buffer) => bytes;

function rawMethod(path: string, requestStream: boolean, responseStream: boolean): RawMethod {
  const pass = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  return { path, requestStream, responseStream, ...pass };
}

export const healthMethods: ServiceDefinition = {
  Check: rawMethod(`/${healthService}/Check`, false, false),
  Watch: rawMethod(`/${healthService}/Watch`, false, true),
};

/** Decodes the requests of a method and encodes its answers. */
export interface Codec {
  /** 64-bit integers are texts, what is not there has its default. Errors: `request-malformed`. */
  decode(message: Buffer): unknown;
  encode(answer: unknown): Buffer;
}

/** `GRPCInferenceService` as `protocol/grpc_service.proto` has it, and a codec for each of its methods. */
export function loadInferenceService(): { methods: ServiceDefinition; codecs: Readonly<Record<string, Codec>> } {
  const loaded = loadSync('grpc_service.proto', {
    includeDirs: [join(packageRoot, 'protocol')],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  });
  const methods: Record<string, RawMethod> = {};
  const codecs: Record<string, Codec> = {};
  for (const [name, method] of Object.entries(loaded[inferenceService] as ServiceDefinition)) {
    const { path, requestStream, responseStream, requestDeserialize, responseSerialize } = method;
    methods[name] = rawMethod(path, requestStream, responseStream);
    codecs[name] = {
      encode: responseSerialize,
      decode(message) {
        try {
          return requestDeserialize(message);
        } catch (cause) {
          throw malformed(cause instanceof Error ? cause.message : String(cause));
        }
      },
    };
  }
  return { methods, codecs };
}

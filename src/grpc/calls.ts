/** The unary calls of `inference.GRPCInferenceService` but `ModelInfer`: thin over what the HTTP door says too. */

import {
  modelConfig,
  modelMetadata,
  refuseOverrides,
  repositoryIndex,
  serverMetadata,
  statistics,
} from '../services/open-inference/metadata.js';
import type { ModelRepository } from '../services/repository/model-repository.js';
import type { Access } from './call-context.js';

interface Named {
  readonly name: string;
  readonly version: string;
}

interface Repository {
  readonly repository_name: string;
  readonly model_name: string;
  readonly ready?: boolean;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface UnaryCall {
  readonly access: Access;
  /** The answer to a decoded message, as proto-loader encodes it. Errors: those of the repository. */
  answer(request: Named & Repository): unknown;
}

const reading: Access = ['models:read'];
const changing: Access = ['models:write'];
const given = (text: string) => (text === '' ? undefined : text);

/** By the name of the method. A method of the service that is neither here nor a prediction is not implemented. */
export function unaryCalls(models: ModelRepository): Readonly<Record<string, UnaryCall>> {
  const find = ({ name, version }: Named) => models.acquire(name, given(version));
  return {
    ServerLive: { access: 'public', answer: () => ({ live: true }) },
    ServerReady: { access: 'public', answer: () => ({ ready: models.ready }) },
    ServerMetadata: { access: reading, answer: () => serverMetadata },
    // Triton's: a model that is not there is not ready, and no error.
    ModelReady: { access: reading, answer: ({ name, version }) => ({ ready: models.answers(name, given(version)) }) },
    ModelMetadata: { access: reading, answer: async (request) => modelMetadata(models, await find(request)) },
    ModelConfig: { access: reading, answer: async (request) => ({ config: modelConfig(await find(request)) }) },
    ModelStatistics: {
      access: reading,
      answer: ({ name, version }) => ({ model_stats: statistics(models, given(name), given(version)) }),
    },
    RepositoryIndex: {
      access: reading,
      answer: ({ ready }) => ({ models: repositoryIndex(models, ready === true) }),
    },
    RepositoryModelLoad: {
      access: changing,
      answer: async (request) => {
        refuseOverrides(request.parameters);
        await models.load(modelOf(request));
        return {};
      },
    },
    RepositoryModelUnload: {
      access: changing,
      answer: async (request) => {
        await models.unload(modelOf(request));
        return {};
      },
    },
  };
}

/** Triton's message has the model in field 2, behind a repository that nobody names; KServe's has it in field 1. */
const modelOf = ({ model_name: model, repository_name: first }: Repository): string => (model === '' ? first : model);

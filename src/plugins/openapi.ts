import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { ModelRepository } from '../services/repository/model-repository.js';
import { modelPaths } from '../services/repository/model-schemas.js';

export interface OpenApiOptions {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly models: ModelRepository;
  /** Whether the prediction routes of every model are in the document. */
  readonly listModels: boolean;
}

/** Everything that Swagger UI loads comes from here; the styles that it writes into elements need `unsafe-inline`. */
const contentSecurityPolicy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

interface Document {
  paths?: Record<string, unknown>;
}

/**
 * `/openapi.json` and Swagger UI at `/docs`. The document is made anew when it is asked for after a model changed:
 * each model's routes are typed from the signature of the version that answers.
 */
async function openApi(app: FastifyInstance, options: OpenApiOptions): Promise<void> {
  const { title, description, version, models, listModels } = options;
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token, or an API key.' },
          key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
        },
      },
      security: [{ bearer: [] }, { key: [] }],
    },
    transform: ({ schema, url, route }) => {
      const open = (route.config as { public?: boolean } | undefined)?.public === true;
      // A route that checks credentials of its own says which.
      return { schema: open ? { security: [], ...schema } : schema, url };
    },
  });

  let document: Document | undefined;
  models.on('change', () => {
    document = undefined;
  });
  const current = (): Document => {
    if (document === undefined) {
      const own = app.swagger() as Document;
      document = listModels ? { ...own, paths: { ...modelPaths(models), ...own.paths } } : own;
    }
    return document;
  };
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, current);

  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, public: true };
    });
    // Whether a connection must be encrypted is for the proxy in front to say: this server speaks plain HTTP.
    await docs.register(helmet, { contentSecurityPolicy: false, strictTransportSecurity: false });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: contentSecurityPolicy,
      uiConfig: { persistAuthorization: true, tryItOutEnabled: true },
      theme: { title, css: [{ filename: 'vitrina.css', content: '.topbar { display: none }' }] },
      transformSpecification: current as () => Record<string, unknown>,
      transformSpecificationClone: false,
    });
  });
}

export default fp(openApi, { name: 'openapi', dependencies: ['auth'] });

import { Type } from 'typebox';

const Text = Type.Union([Type.String(), Type.Null()]);

export const Received = Type.Object({
  job_id: Type.String(),
  status: Type.String(),
  no_transaction_id: Text,
  ntd_transaction_id: Type.String(),
});

export const PackageBody = Type.Object(
  {
    country: Type.Optional(Type.String()),
    channel: Type.Optional(Type.String()),
    label: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    category: Type.Optional(Type.String({ default: 'POP' })),
    zip_art: Type.Optional(Type.String({ description: 'URL of a zip file of images' })),
    arts_path: Type.Optional(Type.Array(Type.String(), { description: 'URLs of the images' })),
    no_transaction_id: Type.Optional(Type.Union([Type.String(), Type.Integer()], { description: 'The package' })),
    ntd_transaction_id: Type.Union([Type.String(), Type.Integer()], {
      description: 'The detail of the package; the same one again is the same job',
    }),
  },
  {
    examples: [
      {
        country: 'MX',
        channel: 'Retail',
        label: 'Summer',
        category: 'POP',
        arts_path: [],
        no_transaction_id: '1001',
        ntd_transaction_id: '5001',
      },
    ],
  },
);

const Progress = Type.Object({ done: Type.Integer(), total: Type.Integer(), current: Type.String() });
const Attempt = Type.Object({
  attempt: Type.Integer(),
  at: Text,
  heard: Type.Boolean(),
  problem: Type.Optional(Type.String()),
});

export const PackageJob = Type.Object({
  job_id: Type.String(),
  status: Type.String({ examples: ['succeeded'] }),
  no_transaction_id: Text,
  ntd_transaction_id: Type.String(),
  created_at: Text,
  started_at: Text,
  finished_at: Text,
  attempts: Type.Integer(),
  progress: Type.Union([Progress, Type.Null()]),
  result: Type.Unknown(),
  error: Type.Unknown(),
  callbacks: Type.Array(
    Type.Object({ job_id: Type.String(), status: Type.String(), next_at: Text, attempts: Type.Array(Attempt) }),
  ),
});

export const Credentials = Type.Object({ username: Type.String(), password: Type.String() });
export const Tokens = Type.Object({
  access: Type.String(),
  refresh: Type.String(),
  token_type: Type.String(),
  expires_in: Type.Integer(),
});

import { Type } from 'typebox';

/** Control characters are nobody's name or number, and databases do not take all of them. */
const visible = '^[^\\u0000-\\u001f\\u007f]*$';
const Detail = Type.Object({ detail: Type.Unknown() });
const describe = (description: string, schema = Detail) => ({ ...schema, description });

export const refusals = { 401: describe('Not logged in'), 403: describe('Not allowed'), 422: describe('Unfit') };

export const Message = Type.Object({ message: Type.String() });
export const Routes = Type.Array(Type.Object({ path: Type.String(), name: Type.String() }));

/** What is not asked for is ignored, a role or a number among it. */
export const UserIn = Type.Object(
  {
    email: Type.String({ format: 'email', maxLength: 254 }),
    full_name: Type.String({ minLength: 3, maxLength: 200, pattern: visible, description: 'Two names at least' }),
    document_number: Type.String({ maxLength: 40, pattern: visible, description: 'CPF or CNPJ' }),
    password: Type.String({ minLength: 6, maxLength: 1024 }),
    username: Type.String({ minLength: 3, maxLength: 128 }),
    phone: Type.Optional(Type.Union([Type.String({ maxLength: 40, pattern: visible }), Type.Null()])),
  },
  {
    examples: [
      {
        email: 'ana@example.org',
        full_name: 'Ana Silva',
        document_number: '529.982.247-25',
        password: 'correct horse battery staple',
        username: 'ana',
      },
    ],
  },
);

export const UserOut = Type.Object({
  id: Type.Integer(),
  email: Type.Union([Type.String(), Type.Null()]),
  full_name: Type.Union([Type.String(), Type.Null()]),
  document_number: Type.Union([Type.String(), Type.Null()]),
  username: Type.String(),
  phone: Type.Union([Type.String(), Type.Null()]),
  created_at: Type.String({ format: 'date-time' }),
});

export const UserPage = Type.Object({
  skip: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}$', description: '0 unless given' })),
  limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 100 unless given' })),
});
export const UserId = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) });

export const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 128 }),
    password: Type.String({ minLength: 1, maxLength: 1024 }),
    scope: Type.Optional(Type.String({ maxLength: 1024, description: 'spam_ml, test_token; spam_ml unless given' })),
  },
  { examples: [{ username: 'ana', password: 'correct horse battery staple' }] },
);
export const Refresh = Type.Object({ refresh_token: Type.Optional(Type.String({ maxLength: 200 })) });
export const Tokens = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  refresh_token: Type.String({ description: 'Works once, for the next pair' }),
  expires_in: Type.Integer({ description: 'Seconds' }),
});

export const Text = Type.Object(
  { text_message: Type.String() },
  { examples: [{ text_message: 'Yes... I trust u to buy new stuff ASAP.....' }] },
);
export const Polarity = Type.Object({
  text_message: Type.String(),
  spam_polarity: Type.Union([Type.Literal('Ham'), Type.Literal('Spam')]),
  month_used_amount: Type.Integer({ description: 'Predictions of this month, this one included' }),
});

import { Type } from 'typebox';

/** More than the longest name and password, escaped throughout, would take. */
export const accountBodyLimit = 16 * 1024;

export const tags = ['accounts'];
export const closed = { additionalProperties: false };

export const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: T) =>
  Type.Union([schema, Type.Null()]);
export const Time = Type.String({ format: 'date-time' });
export const Name = Type.String({ minLength: 1, maxLength: 128, examples: ['ana'] });
export const Password = Type.String({
  minLength: 1,
  maxLength: 1024,
  examples: ['correct horse battery staple'],
});
export const Nothing = Type.Null({ description: 'Done' });

export const Role = Type.Union([Type.Literal('user'), Type.Literal('maintainer'), Type.Literal('admin')]);
export const UserView = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  role: Role,
  disabledAt: nullable(Time),
  hasPassword: Type.Boolean(),
  createdAt: Time,
});

export const Limits = Type.Object(
  {
    monthly: Type.Optional(nullable(Type.Integer({ description: 'Rows predicted in a calendar month' }))),
    daily: Type.Optional(nullable(Type.Integer({ description: 'Rows predicted in a day' }))),
    rate: Type.Optional(
      Type.Union([
        Type.Object(
          {
            requests: Type.Integer({ description: 'Requests of whatever kind' }),
            seconds: Type.Integer({ description: 'within any so many seconds' }),
          },
          closed,
        ),
        Type.Null(),
      ]),
    ),
  },
  { ...closed, examples: [{ monthly: 10_000, rate: { requests: 100, seconds: 60 } }] },
);

/** Variables of the environment that an app knows by names of its own, since those who start it have always used them. */
import type { Config } from './config.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** Heeded when the app is served alone, over `vitrina.yaml` and under `VITRINA_…` and flags. */
export interface AppEnvironment {
  /** What all its variables begin with, where that is `VITRINA_<APP>_`: these are heeded beside other apps as well. */
  readonly prefix?: string;
  /** Settings of the server; a value is read as if it stood behind the setting's own name. */
  server(variables: Variables): readonly ServerSetting[];
  /** Settings of the app, over `apps: {<name>: {…}}`; the app validates them. */
  app(variables: Variables): Readonly<Record<string, unknown>>;
  /** What the settings together lack, though the app may not start without it. */
  lacks?(config: Config): Lack | undefined;
}

export interface ServerSetting {
  /** Names it in messages. */
  readonly variable: string;
  readonly setting: string;
  readonly value: unknown;
}

export interface Lack {
  readonly variable: string;
  readonly why: string;
  readonly next: string;
}

import type { ArtworkSettings } from './settings.js';

/** Where the app is, for those who are told of it. */
export interface Paths {
  /** Without a slash at its end; a path alone where nobody has said under which name the server is reached. */
  readonly base: string;
}

export const pathsOf = (settings: ArtworkSettings, alone: boolean): Paths => ({
  base: (settings['public-url'] ?? (alone ? '' : '/artwork')).replace(/\/+$/, ''),
});

export const manifestUrl = ({ base }: Paths, jobId: string): string => `${base}/jobs/${jobId}/manifest`;

/** One callback for each time that a package ended. */
export const callbackKey = (jobId: string, attempts: number): string => `${jobId}:${attempts}`;

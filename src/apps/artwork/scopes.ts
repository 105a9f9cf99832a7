import type { AppScope } from '../../index.js';

export const artworkScopes = {
  'artwork:write': {
    description: 'post packages to the artwork app, and look at what became of them',
    from: 'maintainer',
    byDefault: false,
  },
} as const satisfies Readonly<Record<string, AppScope>>;

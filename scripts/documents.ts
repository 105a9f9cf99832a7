/** The generated documents, by their place in the repository. */
import { settings } from '../src/config.js';
import { catalogue } from '../src/errors.js';
import { converters } from './converters-document.js';
import { observability } from './observability-document.js';

export function documents(): Record<string, string> {
  return {
    'docs/configuration.md': configuration(),
    'docs/errors.md': errors(),
    'docs/observability.md': observability(),
    'src/convert/README.md': converters(),
  };
}

const notice = (source: string) => `<!-- Generated from ${source} by \`npm run docs\`. -->\n`;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function configuration(): string {
  const rows = Object.entries(settings).map(([name, { about, fallback, expected }]) => {
    const variable = `VITRINA_${name.toUpperCase().replaceAll('-', '_')}`;
    const shown = fallback === undefined ? 'unset' : `\`${JSON.stringify(fallback)}\``;
    return `| \`${name}\` | \`${variable}\` | ${shown} | ${cell(`${about} Expects ${expected}.`)} |`;
  });
  return `# Configuration

${notice('src/config.ts')}
Flags win over the environment, the environment over \`.env\`, \`.env\` over \`vitrina.yaml\`, that over the defaults.
\`vitrina.yaml\` and \`.env\` are looked for in the folder where the command runs. Unknown names are refused, with the
nearest known one. With \`--only spam\`, the variables of [its README](../src/apps/spam/README.md) are heeded as well, under
\`VITRINA_…\` and over \`vitrina.yaml\`.

| Setting | Environment | Default | What |
|---|---|---|---|
${rows.join('\n')}

\`\`\`yaml
# vitrina.yaml
port: 8080
models: [models/]
apps:
  shock: {window: 20}
\`\`\`
`;
}

function errors(): string {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(
      ([code, { status, text }]) =>
        `| \`${code}\` | ${status} | ${cell(sampleOf(text as (fields: unknown) => string))} |`,
    );
  return `# Errors

${notice('src/errors.ts')}
Every error has a code that programs may match. The platform answers \`application/problem+json\` with \`code\`,
\`detail\` (the text), \`status\` and \`instance\` (the request's id); the bundled apps answer \`{"detail": …}\`; the command
line prints the text.

| Code | Status | Text |
|---|---|---|
${rows.join('\n')}
`;
}

/** The text of an entry, with the name of each field where its value would be. */
function sampleOf(text: (fields: unknown) => string): string {
  return text(new Proxy({}, { get: (_fields, name) => placeholder(`{${String(name)}}`) }));
}

/** Stands for a text, a number or a list alike. */
function placeholder(name: string): unknown {
  const list = Object.assign([name], { toString: () => name, [Symbol.toPrimitive]: () => name });
  return new Proxy(list, {
    get: (target, key) =>
      key === 'length' ? 1 : key === 'map' || key === 'slice' ? () => list : Reflect.get(target, key),
  });
}

import type { NamedOrigin } from './manifest.js';

/** The images of a package, in the order of its manifest. */
export interface PackagePlan {
  readonly entries: readonly NamedOrigin[];
  /** To be fetched one by one. */
  readonly urls: readonly (NamedOrigin & { readonly source: { readonly url: string } })[];
}

/**
 * Which images there are: all entries of the zip file, and those addresses whose file names none of them has. The
 * addresses list what the zip file holds; an entry that is meant by one of them names it.
 */
export function planImages(entryNames: readonly string[], addresses: readonly string[]): PackagePlan {
  const urls = [...new Set(addresses)].map((url) => ({ name: nameOfUrl(url), source: { url } }));
  const entries = entryNames.map((entry) => ({ name: lastPart(entry), source: { entry } }));
  const entriesByName = groupByName(entries);
  const urlsByName = groupByName(urls);
  return {
    entries: entries.map(({ name, source }) => {
      const meant = urlsByName.get(keyOf(name)) ?? [];
      // Where several have the name, nobody can say which is which.
      const one = meant.length === 1 && entriesByName.get(keyOf(name))!.length === 1 ? meant[0]!.source : {};
      return { name, source: { ...source, ...one } };
    }),
    urls: urls.filter(({ name }) => !entriesByName.has(keyOf(name))),
  };
}

function groupByName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item.name));
    if (group === undefined) groups.set(keyOf(item.name), [item]);
    else group.push(item);
  }
  return groups;
}

const keyOf = (name: string) => name.normalize('NFC').toLowerCase();

const lastPart = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The last part of the path, decoded; the host where the path has none. */
function nameOfUrl(address: string): string {
  const { pathname, hostname } = new URL(address);
  const part = lastPart(pathname);
  if (part === '') return hostname;
  try {
    return decodeURIComponent(part).replace(/[\p{Cc}\p{Surrogate}]/gu, '?');
  } catch {
    return part;
  }
}

import { type Problem, VitrinaError } from '../../index.js';
import { type Fields, type FieldValues, readFields } from './receiver-fields.js';

/** A package of images, as it was posted. */
export interface ArtworkPackage {
  readonly country: string | null;
  readonly channel: string | null;
  /** Several, where more than one was sent. */
  readonly label: string | readonly string[] | null;
  readonly category: string;
  /** Address of a zip file of images. */
  readonly zip_art: string | null;
  /** Addresses of images. */
  readonly arts_path: readonly string[];
  /** The package, to whoever sent it. */
  readonly no_transaction_id: string | null;
  /** The package's detail, by which its sender knows the job. */
  readonly ntd_transaction_id: string;
}

export const usualCategory = 'POP';
export const mostUrls = 10_000;
export const longestUrl = 2_048;
export const longestId = 200;
const longestText = 1_000;
const mostLabels = 1_000;
/** Faults that one answer tells. */
const mostProblems = 100;

/**
 * Reads a posted package: JSON, `application/x-www-form-urlencoded` or `multipart/form-data`, which give the same. Ids
 * are texts or whole numbers and are kept digit by digit; `arts_path` is a list, the JSON text of a list, a field that
 * comes again for each address, or one address. What is null or empty counts as not sent; fields beyond these are passed
 * over.
 *
 * @throws VitrinaError `request-invalid` with every fault, and what `readFields` throws
 */
export async function readReceiverBody(contentType: string | undefined, body: Buffer): Promise<ArtworkPackage> {
  const fields = await readFields(contentType, body);
  const problems: Problem[] = [];
  const blame = (path: string, message: string) => {
    if (problems.length < mostProblems) problems.push({ path, message });
  };
  const one = (name: string, longest: number): string | null => readText(fields.get(name), name, longest, blame);
  const zip = one('zip_art', longestUrl);
  const ntd = one('ntd_transaction_id', longestId);
  const posted = {
    country: one('country', longestText),
    channel: one('channel', longestText),
    label: readLabels(fields, blame),
    category: one('category', longestText) ?? usualCategory,
    zip_art: zip === null ? null : checkUrl(zip, 'zip_art', blame),
    arts_path: readUrls(fields, blame),
    no_transaction_id: one('no_transaction_id', longestId),
  };
  if (ntd === null && !problems.some(({ path }) => path === 'ntd_transaction_id')) {
    problems.unshift({ path: 'ntd_transaction_id', message: 'is missing' });
  }
  if (ntd === null || problems.length > 0) throw new VitrinaError('request-invalid', { problems });
  return { ...posted, ntd_transaction_id: ntd };
}

type Blame = (path: string, message: string) => void;

function readText(field: FieldValues | undefined, name: string, longest: number, blame: Blame): string | null {
  if (field === undefined || field.values.length === 0) return null;
  if (field.listed || field.values.length > 1) {
    blame(name, 'is a list, or given more than once; expected one text');
    return null;
  }
  return checkText(field.values[0], name, longest, blame);
}

/** The text, nothing for an empty one; faults are told. */
function checkText(value: unknown, path: string, longest: number, blame: Blame): string | null {
  if (typeof value !== 'string') blame(path, `is ${shown(value)}; expected a text or a whole number`);
  else if (value.length > longest) blame(path, `has ${value.length} characters; expected at most ${longest}`);
  // The databases keep neither.
  else if (value.includes('\u0000') || /\p{Surrogate}/u.test(value))
    blame(path, 'has a character that no text may have');
  else if (value !== '') return value;
  return null;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(JSON.stringify(value)).slice(0, 40);
}

function readLabels(fields: Fields, blame: Blame): ArtworkPackage['label'] {
  const values = fields.get('label')?.values ?? [];
  if (values.length > mostLabels) blame('label', `has ${values.length} elements; expected at most ${mostLabels}`);
  const labels = values.slice(0, mostLabels).flatMap((value, i) => {
    const path = values.length === 1 ? 'label' : `label[${i}]`;
    return checkText(Number.isSafeInteger(value) ? String(value) : value, path, longestText, blame) ?? [];
  });
  return labels.length > 1 ? labels : (labels[0] ?? null);
}

function readUrls(fields: Fields, blame: Blame): readonly string[] {
  const values = listOf(fields.get('arts_path'), blame);
  if (values.length > mostUrls) {
    blame('arts_path', `has ${values.length} addresses; expected at most ${mostUrls}`);
    return [];
  }
  return values.flatMap((value, i) => {
    const path = `arts_path[${i}]`;
    const text = checkText(value, path, longestUrl, blame);
    if (text === null && value === '') blame(path, 'is empty; expected an http or https address');
    return text === null ? [] : (checkUrl(text, path, blame) ?? []);
  });
}

/** A lone text is the JSON text of a list where it begins like one, no address where it is empty, and else an address. */
function listOf(field: FieldValues | undefined, blame: Blame): readonly unknown[] {
  const { values, listed } = field ?? { values: [], listed: false };
  const [first] = values;
  if (listed || values.length !== 1 || typeof first !== 'string') return values;
  if (first.trim() === '') return [];
  if (!first.trimStart().startsWith('[')) return values;
  try {
    return JSON.parse(first) as unknown[];
  } catch {
    blame('arts_path', 'begins like a list and is no JSON; expected ["https://…", …]');
    return [];
  }
}

function checkUrl(text: string, path: string, blame: Blame): string | null {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URL drops some of them without a word
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[\u0000-\u001f\u007f]|^ | $/.test(text)) {
    blame(path, 'is no http or https address; expected one like https://images.example/one.png');
  } else if (url.username !== '' || url.password !== '') {
    blame(path, 'has a user name or a password in it; send an address without');
  } else return text;
  return null;
}

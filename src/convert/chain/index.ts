/** Several artefacts as one model: scaler and classifier, vectorizer and classifier, scaler and network. */
import { basename } from 'node:path';
import { VitrinaError } from '../../errors.js';
import { readJoblib } from '../../formats/joblib/index.js';
import { defaultLimits, type Limits } from '../../formats/limits.js';
import { PythonDict, PythonGlobal, PythonObject, PythonTuple, type PythonValue } from '../../formats/pickle/index.js';
import { sniff } from '../../formats/sniff.js';
import type { Conversion } from '../../signature.js';
import { convertArtefact } from '../artefact.js';
import { chooseMember, columnNamesOf, convertSklearn } from '../sklearn/index.js';
import { joinConversions } from './join-graphs.js';

/** One artefact of several. */
export interface ArtefactPart {
  readonly bytes: Uint8Array;
  /** Names it in messages. */
  readonly file: string;
  /** Which object of a pickle that holds several. */
  readonly member?: string | undefined;
}

/**
 * How the parts follow one another.
 *
 * - **given**: as they come, each before the next.
 * - **find**: in the one order in which each gives what the next takes; several such orders, or none, are refused.
 * - **find-or-last**: likewise, and where none fits, the last part alone is the model.
 */
export type PartOrder = 'given' | 'find' | 'find-or-last';

/** More parts than this are not tried in every order. */
const mostTried = 4;

/**
 * Converts artefacts as one model: all but the last are scikit-learn transformers, the last anything that converts.
 * An order that was found is told in the notes.
 * @throws VitrinaError as `convertArtefact`; model-unsupported for parts that do not fit one another
 */
export async function convertParts(
  parts: readonly ArtefactPart[],
  order: PartOrder,
  limits: Limits = defaultLimits,
): Promise<Conversion> {
  const [only, ...others] = parts;
  if (only === undefined) throw new Error('there should be a part');
  if (others.length === 0) return convertArtefact(only.bytes, only.file, { limits, member: only.member });
  const convertOne = rememberConversions(limits);
  if (order === 'given') {
    const read = parts.map((part) => readPart(part, limits));
    return compose(read, convertOne);
  }
  const fits = await findOrders(parts, order, limits, convertOne);
  const names = parts.map(nameOf);
  const [fit, second] = fits;
  if (fit !== undefined && second === undefined) return withNote(fit.conversion, fit.names);
  if (fit === undefined && order === 'find-or-last') {
    return convertOne(parts.at(-1)!);
  }
  throw new VitrinaError('model-unsupported', {
    what:
      fit === undefined
        ? `There are ${parts.length} artefacts (${names.join(', ')}), and no order in which each gives what the next takes`
        : `There are ${parts.length} artefacts (${names.join(', ')}), and they fit in more than one order`,
    next: `write "artefact: ${names.at(-1)}" into model.yaml to serve one alone, or "pipeline: [${(fit?.names ?? names).join(', ')}]" for their order`,
  });
}

/** Converts a part alone; asked again, the same. */
function rememberConversions(limits: Limits): ConvertOne {
  const known = new Map<ArtefactPart, Promise<Conversion>>();
  return (part) => {
    const conversion = known.get(part) ?? convertArtefact(part.bytes, part.file, { limits, member: part.member });
    known.set(part, conversion);
    return conversion;
  };
}

type ConvertOne = (part: ArtefactPart) => Promise<Conversion>;

interface Fit {
  readonly names: readonly string[];
  readonly conversion: Conversion;
}

/** Every order that converts into something that predicts. */
async function findOrders(
  parts: readonly ArtefactPart[],
  order: PartOrder,
  limits: Limits,
  convertOne: ConvertOne,
): Promise<Fit[]> {
  if (parts.length > mostTried) return [];
  const readable: ReadPart[] = [];
  for (const part of parts) {
    try {
      readable.push(readPart(part, limits));
    } catch (error) {
      // What lies beside a model that is served alone may be anything.
      if (!(error instanceof VitrinaError) || order === 'find') throw error;
      return [];
    }
  }
  const fits: Fit[] = [];
  for (const ordered of permutations(readable)) {
    if (!namesAgree(ordered)) continue;
    try {
      const conversion = await compose(ordered, convertOne);
      const transformsOnly = conversion.signature.outputs.every(({ name }) => name.startsWith('transform'));
      if (!transformsOnly) fits.push({ names: ordered.map(({ part }) => nameOf(part)), conversion });
    } catch (error) {
      if (!(error instanceof VitrinaError) || !refusals.has(error.code)) throw error;
    }
  }
  return fits;
}

/** What a converter says when parts do not fit one another. */
const refusals: ReadonlySet<string> = new Set(['estimator-unsupported', 'model-unsupported']);

/** A part, with its estimator when scikit-learn wrote it. */
interface ReadPart {
  readonly part: ArtefactPart;
  readonly estimator: PythonObject | undefined;
}

function readPart(part: ArtefactPart, limits: Limits): ReadPart {
  const { format } = sniff(part.bytes);
  if (format !== 'pickle' && format !== 'compressed') return { part, estimator: undefined };
  const { value } = readJoblib(part.bytes, limits);
  const chosen = part.member === undefined ? value : chooseMember(value, part.member);
  return { part, estimator: chosen instanceof PythonObject ? chosen : undefined };
}

async function compose(parts: readonly ReadPart[], convertOne: ConvertOne): Promise<Conversion> {
  const last = parts.at(-1)!;
  const heads = parts.slice(0, -1).map(({ part, estimator }) => {
    if (estimator !== undefined) return estimator;
    throw new VitrinaError('model-unsupported', {
      what: `${nameOf(part)} is no scikit-learn estimator, and only the last of a pipeline may be something else`,
      next: 'put the transformers before it after "pipeline:" in model.yaml',
    });
  });
  if (last.estimator !== undefined) return convertSklearn(pipelineOf([...heads, last.estimator]), { format: 'pickle' });
  const first = convertSklearn(heads.length === 1 ? heads[0]! : pipelineOf(heads), { format: 'pickle' });
  const second = await convertOne(last.part);
  const headNames = parts.slice(0, -1).map(({ part }) => nameOf(part));
  return joinConversions(first, second, [headNames.join(' → '), nameOf(last.part)]);
}

/** What `sklearn.pipeline.make_pipeline` would have made of the estimators. */
function pipelineOf(estimators: readonly PythonObject[]): PythonObject {
  const pipeline = new PythonObject(new PythonGlobal('sklearn.pipeline', 'Pipeline', 'class'), []);
  const state = new PythonDict();
  const steps = estimators.map((estimator, i): PythonValue => new PythonTuple([`step${i + 1}`, estimator]));
  state.set('steps', steps);
  const versions = estimators.map((estimator) => stateOf(estimator)?.get('_sklearn_version'));
  const version = versions.findLast((own) => typeof own === 'string');
  if (version !== undefined) state.set('_sklearn_version', version);
  pipeline.state = state;
  return pipeline;
}

const stateOf = ({ state }: PythonObject) => (state instanceof PythonDict ? state : undefined);

/** Parts that were fitted on tables of equally many columns were fitted on the same columns, in the same order. */
function namesAgree(parts: readonly ReadPart[]): boolean {
  const names = parts.flatMap(({ estimator }) => {
    const own = estimator === undefined ? undefined : columnNamesOf((name) => stateOf(estimator)?.get(name));
    return own === undefined ? [] : [own];
  });
  return names.every((own, i) => {
    const before = names[i - 1];
    return before === undefined || before.length !== own.length || before.every((name, k) => name === own[k]);
  });
}

function withNote(conversion: Conversion, names: readonly string[]): Conversion {
  const order = names.join(', ');
  const note =
    `${names.join(' → ')} are one model here, since each gives what the next takes; write "pipeline: [${order}]" into ` +
    `model.yaml to settle it, or "artefact: ${names.at(-1)}" to serve that file alone.`;
  const { provenance } = conversion;
  return { ...conversion, provenance: { ...provenance, notes: [...provenance.notes, note] } };
}

const nameOf = ({ file, member }: ArtefactPart) =>
  member === undefined ? basename(file) : `${basename(file)}#${member}`;

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length <= 1) yield items;
  for (const [i, item] of items.entries()) {
    if (items.length <= 1) return;
    for (const rest of permutations(items.toSpliced(i, 1))) yield [item, ...rest];
  }
}

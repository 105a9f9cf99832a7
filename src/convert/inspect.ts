import { fromBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../errors.js';
import { type Hdf5Group, openHdf5 } from '../formats/hdf5/index.js';
import { openKerasArchive } from '../formats/keras-archive/index.js';
import { defaultLimits, type Limits } from '../formats/limits.js';
import { ModelProtoSchema } from '../formats/onnx/onnx_pb.js';
import { sniff } from '../formats/sniff.js';
import type { Provenance, Signature } from '../signature.js';
import { sizeOf } from '../tensor.js';
import { type ArtefactOptions, convertArtefact } from './artefact.js';
import { describePickle, type PickleDescription } from './describe-pickle.js';
import { isObject, type JsonObject } from './keras/config.js';
import { type KerasModelSource, readKerasArchive, readKerasHdf5 } from './keras/index.js';

export interface InspectedLayer {
  /** Names of the models around it and its own, `/`-separated. */
  readonly name: string;
  readonly className: string;
}

export interface InspectedVariable {
  readonly path: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** What a file is, as far as it can be told without running anything of it. */
export interface Inspection {
  readonly format: string;
  /** A phrase: "an HDF5 file". */
  readonly what: string;
  readonly bytes: number;
  readonly library: string | null;
  readonly libraryVersion: string | null;
  /** Of a Keras model, in the order of the file. */
  readonly layers: readonly InspectedLayer[];
  readonly variables: readonly InspectedVariable[];
  /** Numbers in all variables. */
  readonly parameters: number;
  /** Of a pickle that can be read: what it holds. */
  readonly pickle: PickleDescription | null;
  readonly signature: Signature | null;
  /** The ONNX form: its size, and how many nodes of each operator it has. */
  readonly graph: { readonly bytes: number; readonly operators: Readonly<Record<string, number>> } | null;
  readonly notes: readonly string[];
  /** Why the file cannot be served, when it cannot. */
  readonly refusal: { readonly code: string; readonly message: string } | null;
}

/** Describes the artefact `bytes`. A file that cannot be converted is described as far as it goes, with the refusal. */
export async function inspectArtefact(
  bytes: Uint8Array,
  file: string,
  { limits = defaultLimits, member }: ArtefactOptions = {},
): Promise<Inspection> {
  const { format, what } = sniff(bytes);
  let source: KerasModelSource | undefined;
  let signature: Signature | null = null;
  let provenance: Provenance | undefined;
  let graph: Inspection['graph'] = null;
  let refusal: Inspection['refusal'] = null;
  let pickle: PickleDescription | null = null;
  try {
    if (format === 'pickle' || format === 'compressed') pickle = describePickle(bytes, limits);
    source = await openKeras(format, bytes, limits);
    const conversion = await convertArtefact(bytes, file, { limits, member });
    ({ signature, provenance } = conversion);
    graph = { bytes: conversion.graph.length, operators: countOperators(conversion.graph) };
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    refusal = { code: error.code, message: error.message };
  }
  const variables = source === undefined ? [] : listVariables(source.weights);
  return {
    format,
    what,
    bytes: bytes.length,
    library: provenance?.library ?? (source === undefined ? libraryOf(pickle) : 'keras'),
    libraryVersion: provenance?.libraryVersion ?? source?.version ?? pickle?.estimators[0]?.version ?? null,
    layers: source === undefined ? [] : listLayers(source.architecture),
    variables,
    parameters: variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    pickle,
    signature,
    graph,
    notes: provenance?.notes ?? [],
    refusal,
  };
}

/** The library of the outermost estimator, by the name that pip knows it by. */
function libraryOf(pickle: PickleDescription | null): string | null {
  const [library] = pickle?.estimators[0]?.className.split('.') ?? [];
  return library === undefined ? null : library === 'sklearn' ? 'scikit-learn' : library;
}

async function openKeras(format: string, bytes: Uint8Array, limits: Limits): Promise<KerasModelSource | undefined> {
  if (format === 'hdf5') return readKerasHdf5(openHdf5(bytes, limits), limits);
  if (format === 'keras') return readKerasArchive(await openKerasArchive(bytes, limits));
  return undefined;
}

function listLayers(model: JsonObject, prefix = ''): InspectedLayer[] {
  const config = isObject(model.config) ? model.config : undefined;
  const layers = Array.isArray(config?.layers) ? config.layers : Array.isArray(model.config) ? model.config : [];
  return layers.filter(isObject).flatMap((layer) => {
    const inner = isObject(layer.config) ? layer.config : undefined;
    const name = `${prefix}${String(layer.name ?? inner?.name ?? '')}`;
    return [
      { name, className: String(layer.class_name) },
      ...(inner?.layers === undefined ? [] : listLayers(layer, `${name}/`)),
    ];
  });
}

/** The optimizer's state is in the file, but not of the model. */
function listVariables(group: Hdf5Group): InspectedVariable[] {
  return group.names().flatMap((name) => {
    if (/^_?optimizer/.test(name) && group.path === '/') return [];
    const child = group.child(name)!;
    if (child.kind === 'group') return listVariables(child);
    return [{ path: child.path, dtype: child.dtype, shape: child.shape }];
  });
}

function countOperators(graph: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of fromBinary(ModelProtoSchema, graph).graph?.node ?? [])
    counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

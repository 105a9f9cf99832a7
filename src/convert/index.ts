export { type ArtefactOptions, convertArtefact } from './artefact.js';
export { type ArtefactPart, convertParts, type PartOrder } from './chain/index.js';
export { GraphBuilder } from './graph-builder.js';
export { withMetadata } from './onnx/metadata.js';
export { convertPickle, convertSklearn, readScaler, type Scaler } from './sklearn/index.js';

export { convertArtefact } from './artefact.js';
export { GraphBuilder } from './graph-builder.js';
export { convertPickle, convertSklearn, readScaler, type Scaler } from './sklearn/index.js';

export { type ArrowBatch, type ArrowColumn, readArrow, typeName } from './arrow/index.js';
export { ArrowWriter, type WrittenColumn } from './arrow/writer.js';
export { type CsvRecord, readCsv, writeCsv, writeCsvCell } from './csv/index.js';
export { CsvScanner } from './csv/scanner.js';
export { parseDecimal, parsePlainDecimal, scaleDigits } from './decimal.js';
export {
  type AttributeValue,
  type Hdf5Attributes,
  type Hdf5Dataset,
  type Hdf5Group,
  openHdf5,
} from './hdf5/index.js';
export { type JoblibFile, readJoblib } from './joblib/index.js';
export { type Json, type JsonObject, parseJson } from './json.js';
export { type KerasArchive, openKerasArchive } from './keras-archive/index.js';
export { type LightgbmModel, type LightgbmTree, readLightgbm } from './lightgbm/index.js';
export { defaultLimits, type Limits } from './limits.js';
export { type NpyFile, readNpy } from './npy/index.js';
export { type OnnxModel, readOnnx } from './onnx/index.js';
export {
  defaultPythonLimits,
  NumpyArray,
  NumpyDtype,
  NumpyScalar,
  type PickleFile,
  PythonByteArray,
  PythonComplex,
  PythonDict,
  PythonGlobal,
  type PythonLimits,
  PythonObject,
  PythonSet,
  PythonTuple,
  type PythonValue,
  RecordArray,
  readPickle,
} from './pickle/index.js';
export { reprBytes, reprFloat, reprText } from './python-repr.js';
export { type Sniffed, type SniffedFormat, sniff } from './sniff.js';
export { readUbjson, type Ubjson } from './ubjson/index.js';
export {
  readXgboost,
  type XgboostLinear,
  type XgboostModel,
  type XgboostTree,
  type XgboostTrees,
} from './xgboost/index.js';

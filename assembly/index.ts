/**
 * Readers of JSON bodies of one form, in AssemblyScript: `npm run assembly` makes WebAssembly of them, which compares
 * sixteen bytes in one instruction and has integers of 64 bits, as JavaScript cannot. They see their own memory only,
 * where `src/plugins/json-assembly.ts` puts the bytes and finds what was read.
 */
export { bytesFor, countGathered, countTexts, readColumns } from './columns';
export { beginList, countAxes, countConsumed, countNumbers, readList } from './lists';
export { body, fields, gathered, numbers, shape, texts } from './memory';

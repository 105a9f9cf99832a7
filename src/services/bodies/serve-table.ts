/** A table in, a table out: what HTTP and the command line do with rows that arrive piece by piece. */
import { VitrinaError } from '../../errors.js';
import type { PredictionService } from '../predictions/prediction-service.js';
import { arrowWriter } from './answer-arrow.js';
import { AnswerStream } from './answer-stream.js';
import { type AnswerWriter, csvWriter, jsonWriter, ndjsonWriter } from './answer-texts.js';
import { readArrowRows } from './arrow-rows.js';
import type { BodySource } from './body-source.js';
import { readCsvRows } from './csv-rows.js';
import type { BodyFormat, ContentType } from './media-types.js';
import { type ParseJson, readNdjsonRows } from './ndjson-rows.js';
import { predictTable, type TableRequest } from './predict-table.js';
import { type ChunkRules, chunkRules, type RowChunk } from './row-chunk.js';

export interface TableSettings {
  /** Bytes of a body, and of answers that nobody reads yet. */
  readonly streamBytes: number;
  /** Rows that are computed together, at most. */
  readonly maxRows: number;
  /** Bytes of one row of a text. */
  readonly rowBytes: number;
  /** Bytes of one batch of Arrow. */
  readonly batchBytes: number;
  /** Folder for answers that nobody reads yet. */
  readonly spool: string;
  readonly parse: ParseJson;
  /** Is told what ended an answer that had begun. */
  readonly report: (failure: VitrinaError, requestId: string | undefined) => void;
}

/**
 * Reads a table, predicts its rows while they arrive, and answers in `format`. Resolves when the answer begins; what
 * is wrong before is thrown, what is wrong after ends the answer so that nobody takes it for whole.
 *
 * Errors: those of the readers, of `predictTable`, and of the body.
 */
export async function answerTable(
  source: BodySource,
  content: ContentType,
  format: BodyFormat,
  request: TableRequest,
  predictions: PredictionService,
  settings: TableSettings,
): Promise<AnswerStream> {
  const { signature, maxBatchRows } = request.ready;
  const rules = chunkRules(signature, maxBatchRows, settings);
  const answer = new AnswerStream({ folder: settings.spool, limit: settings.streamBytes });
  const chunks = readRowsOf(source.pieces(), content, request, rules, settings.parse);
  const writer = writerOf(format);
  const run = async () => {
    try {
      for await (const prediction of predictTable(chunks, request, (one) => predictions.predict(one))) {
        await answer.write(writer.rows(prediction), () => source.arriving);
        if (answer.closed) return;
      }
      await answer.write(writer.end(), () => source.arriving);
      answer.end();
    } catch (error) {
      const failure = error instanceof VitrinaError ? error : new VitrinaError('internal', {}, { cause: error });
      if (answer.hasBegun) settings.report(failure, request.id);
      await answer.fail(failure, writer.failure(failure));
    } finally {
      source.abandon();
    }
  };
  run().catch((error: unknown) => answer.readable.destroy(error as Error));
  await answer.begun;
  return answer;
}

function readRowsOf(
  pieces: AsyncIterable<Uint8Array>,
  { format, header }: ContentType,
  { ready }: TableRequest,
  rules: ChunkRules,
  parse: ParseJson,
): AsyncIterable<RowChunk> {
  switch (format) {
    case 'csv':
      return readCsvRows(pieces, ready.signature, rules, header);
    case 'ndjson':
      return readNdjsonRows(pieces, ready.signature, rules, parse);
    case 'arrow-stream':
      return readArrowRows(pieces, ready.signature, rules, 'stream');
    case 'arrow-file':
      return readArrowRows(pieces, ready.signature, rules, 'file');
    case 'json':
      throw new Error('JSON is no table that is read row by row');
  }
}

export function writerOf(format: BodyFormat): AnswerWriter {
  switch (format) {
    case 'csv':
      return csvWriter();
    case 'ndjson':
      return ndjsonWriter();
    case 'json':
      return jsonWriter();
    case 'arrow-stream':
      return arrowWriter('stream');
    case 'arrow-file':
      return arrowWriter('file');
  }
}

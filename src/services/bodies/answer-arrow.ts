/** Answers as Arrow record batches: one column an output, one batch a chunk. */
import { ArrowWriter, type WrittenColumn } from '../../formats/index.js';
import type { NumericData } from '../../tensor.js';
import { labelOf } from '../predictions/prediction-json.js';
import type { Prediction } from '../predictions/prediction-service.js';
import { isMissing, unequal } from './answer-columns.js';
import type { AnswerWriter } from './answer-texts.js';

/** Outputs of one value a row are plain columns, others fixed-size lists; a missing text is null. */
export function arrowWriter(form: 'stream' | 'file'): AnswerWriter {
  const writer = new ArrowWriter(form);
  let shapes: string | undefined;
  return {
    rows(prediction) {
      const columns = columnsOf(prediction);
      const own = JSON.stringify(columns.map(({ name, sizes }) => [name, sizes]));
      shapes ??= own;
      if (own !== shapes) throw unequal();
      const [first] = Object.values(prediction.outputs);
      return writer.batch(columns, first?.shape[0] ?? 0);
    },
    end: () => writer.end(),
    failure: () => undefined,
  };
}

function columnsOf({ version, outputs }: Prediction): WrittenColumn[] {
  const columns: WrittenColumn[] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    const { dtype, shape, data } = tensor;
    const sizes = shape.slice(1);
    if (dtype === 'string') {
      const values = (data as readonly string[]).map((text) => (isMissing(text) ? undefined : text));
      columns.push({ name, sizes, dtype, values });
    } else if (dtype === 'bool') columns.push({ name, sizes, dtype, values: data as Uint8Array });
    else columns.push({ name, sizes, dtype, values: data as NumericData });
    const rows = shape[0] ?? 0;
    if (rows > 0 && labelOf(version, tensor, 0) !== undefined) {
      const values = Array.from({ length: rows }, (_, row) => labelOf(version, tensor, row));
      columns.push({ name: `${name}_label`, sizes: [], dtype: 'string', values });
    }
  }
  return columns;
}

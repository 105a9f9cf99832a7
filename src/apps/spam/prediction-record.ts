import type { SettledRecord } from '../../index.js';
import type { SpamPrediction } from './spam-model.js';

const longestText = 360;

/** What is kept of a prediction: whose, when, the polarity and its probability, and the beginning of the text, if any. */
export function predictionRecord(
  id: string,
  userId: number,
  { polarity, probability }: SpamPrediction,
  text: string | null,
): SettledRecord {
  const row = {
    id,
    user_id: userId,
    polarity,
    probability: probability === null ? null : String(probability),
    text: text === null ? null : beginningOf(text),
    created_at: Date.now(),
  };
  return {
    async write(db) {
      await db.insertInto('spam_predictions').values(row).execute();
    },
    async undo(db) {
      const { numDeletedRows } = await db.deleteFrom('spam_predictions').where('id', '=', id).executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}

/** So many characters, none of them halved; databases do not take a NUL. */
function beginningOf(text: string): string {
  const beginning = [...text.slice(0, 2 * longestText)].slice(0, longestText).join('');
  return beginning.replaceAll('\0', '\ufffd');
}

/** Adds one to a counter, in a transaction that reads before it writes, as often as the second argument says. */
import { openDatabase } from '../../src/storage/index.js';

const [options = '', times = ''] = process.argv.slice(2);
const { db, close } = await openDatabase(JSON.parse(options));
for (let turn = 0; turn < Number(times); turn++) {
  await db.transaction().execute(async (transaction) => {
    const query = transaction.selectFrom('settings').select('value').where('name', '=', 'counter').forUpdate();
    const { value } = await query.executeTakeFirstOrThrow();
    // Time for the others to write between the reading and the writing.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await transaction
      .updateTable('settings')
      .set({ value: String(Number(value) + 1) })
      .where('name', '=', 'counter')
      .execute();
  });
}
await close();

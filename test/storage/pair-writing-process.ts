/** Writes to a database as fast as it can until it is ended: each transaction adds a row and counts it. */
import SqliteFile from 'better-sqlite3';

const connection = new SqliteFile(process.argv[2]!, { timeout: 20_000 });
const add = connection.prepare('insert into pair_rows (text) values (?)');
const count = connection.prepare('update pair_count set rows = rows + 1');
const both = connection.transaction((text: string) => {
  add.run(text);
  count.run();
});
process.stdout.write('writing\n');
const write = () => {
  both.immediate('x'.repeat(500));
  setImmediate(write);
};
write();

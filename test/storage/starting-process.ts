/** Opens a database as a server does at its first start, and prints what it found. */
import { createAccounts } from '../../src/services/accounts/index.js';
import { openDatabase } from '../../src/storage/index.js';

const storage = await openDatabase(JSON.parse(process.argv[2] ?? ''));
const accounts = await createAccounts({ storage });
const first = await accounts.bootstrap();
const { value } = await storage.db
  .selectFrom('settings')
  .select('value')
  .where('name', '=', 'jwt-secret')
  .executeTakeFirstOrThrow();
await storage.close();
process.stdout.write(JSON.stringify({ key: first?.key ?? null, secret: value }));

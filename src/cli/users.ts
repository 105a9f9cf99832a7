import type { Command } from 'commander';
import { type Accounts, operator, type Role, type User, viewUser } from '../services/accounts/index.js';
import {
  type DatabaseFlags,
  databaseCommand,
  print,
  printTable,
  report,
  timeOrDash,
  withAccounts,
} from './accounts-on-disk.js';
import { readPassword } from './read-password.js';

type Flags = DatabaseFlags;

interface CreateFlags extends Flags {
  readonly role: string;
  readonly hashed?: true;
}

export function register(program: Command): void {
  const users = program
    .command('users')
    .description('Administer the users of a database; a server may be running on it.')
    .addHelpText(
      'after',
      `
A password is read from VITRINA_PASSWORD, from a pipe, or typed; never from an argument.

Examples:
  vitrina users create ana                              asks for the password
  pwgen 20 1 | vitrina users create ci --role admin     takes it from a pipe
  vitrina users create ben --hashed < bcrypt.txt        a user of another program, with the hash it kept
  vitrina users list --json`,
    );

  databaseCommand(users, 'create', 'Create a user.')
    .argument('<name>', 'user name')
    .option('--role <role>', 'user, maintainer (who may put models) or admin', 'user')
    .option('--hashed', 'what is read is an argon2id or bcrypt hash, not a password')
    .action((username: string, flags: CreateFlags) =>
      withAccounts(flags, async (accounts) => {
        const role = flags.role as Role;
        const secret = await readPassword(flags.hashed ? 'Hash' : 'Password');
        const user = flags.hashed
          ? await accounts.users.import({ username, passwordHash: secret.trim(), role }, operator)
          : await accounts.users.create({ username, password: secret, role }, operator);
        report(flags, viewUser(user), `User "${user.username}" (${user.id}, ${user.role}) is created.`);
      }),
    );

  databaseCommand(users, 'list', 'List the users.').action((flags: Flags) =>
    withAccounts(flags, async (accounts) => {
      const all = await everyUser(accounts);
      if (flags.json) return print(JSON.stringify(all.map(viewUser)));
      printTable(
        ['ID', 'NAME', 'ROLE', 'PASSWORD', 'CREATED', 'DISABLED'],
        all.map((user) => [
          String(user.id),
          user.username,
          user.role,
          user.hasPassword ? 'yes' : 'no',
          timeOrDash(user.createdAt),
          timeOrDash(user.disabledAt),
        ]),
      );
    }),
  );

  act(users, 'delete', 'Remove a user and the keys of that user.', async (accounts, user, flags) => {
    await accounts.users.delete(user.id, operator);
    report(flags, { id: user.id, deleted: true }, `User "${user.username}" is removed.`);
  });
  act(
    users,
    'passwd',
    'Set the password of a user; ends the access tokens issued before.',
    async (accounts, user, flags) => {
      await accounts.users.setPassword(user.id, await readPassword(), operator);
      report(flags, { id: user.id, passwordSet: true }, `The password of "${user.username}" is set.`);
    },
  );
  act(users, 'disable', 'Close an account, its keys and tokens included.', async (accounts, user, flags) => {
    await accounts.users.setDisabled(user.id, true, operator);
    report(flags, { id: user.id, disabled: true }, `User "${user.username}" is disabled.`);
  });
  act(users, 'logout', 'End every login of a user; keys stay.', async (accounts, user, flags) => {
    await accounts.users.endLogins(user.id, operator);
    report(flags, { id: user.id, loggedOut: true }, `Every login of "${user.username}" has ended.`);
  });
  act(users, 'enable', 'Open a closed account again.', async (accounts, user, flags) => {
    await accounts.users.setDisabled(user.id, false, operator);
    report(flags, { id: user.id, disabled: false }, `User "${user.username}" is enabled.`);
  });

  databaseCommand(users, 'role', 'Give a user another role.')
    .argument('<user>', 'user name, or # and the number')
    .argument('<role>', 'user, maintainer or admin')
    .action((text: string, role: string, flags: Flags) =>
      withAccounts(flags, async (accounts) => {
        const { id, username } = await findUser(accounts, text);
        await accounts.users.setRole(id, role, operator);
        report(flags, { id, role }, `User "${username}" has the role ${role}.`);
      }),
    );
}

/** A command on one user, named or numbered. */
function act(
  users: Command,
  name: string,
  description: string,
  run: (accounts: Accounts, user: User, flags: Flags) => Promise<void>,
): void {
  databaseCommand(users, name, description)
    .argument('<user>', 'user name, or # and the number')
    .action((text: string, flags: Flags) =>
      withAccounts(flags, async (accounts) => run(accounts, await findUser(accounts, text), flags)),
    );
}

/** The user called `text`, or numbered so when it reads `#7`. @throws VitrinaError `user-unknown` */
export async function findUser(accounts: Accounts, text: string): Promise<User> {
  const number = /^#(\d{1,15})$/.exec(text)?.[1];
  return accounts.users.find(number === undefined ? text : Number(number));
}

async function everyUser(accounts: Accounts): Promise<User[]> {
  const all: User[] = [];
  for (;;) {
    const page = await accounts.users.list(operator, { after: all.at(-1)?.id ?? 0, limit: 1000 });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

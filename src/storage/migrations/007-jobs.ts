import { type Kysely, type Migration, sql } from 'kysely';
import type { Ddl } from './ddl.js';

/** Work that outlives its request. */
export const jobs = (ddl: Ddl): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('jobs')
      .addColumn('id', ddl.bytewiseText, (column) => column.primaryKey().notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('priority', 'integer', (column) => column.notNull())
      .addColumn('run_at', ddl.time, (column) => column.notNull())
      .addColumn('announced', 'integer', (column) => column.notNull())
      .addColumn('input', 'text', (column) => column.notNull())
      .addColumn('idempotency_key', 'text')
      .addColumn('owner', ddl.reference)
      .addColumn('key_id', 'text')
      .addColumn('limited', 'integer', (column) => column.notNull())
      .addColumn('name_limit', 'integer')
      .addColumn('limit_key', 'text')
      .addColumn('key_limit', 'integer')
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('attempts_before', 'integer', (column) => column.notNull())
      .addColumn('max_attempts', 'integer', (column) => column.notNull())
      .addColumn('give_up_ms', ddl.time)
      .addColumn('give_up_at', ddl.time)
      .addColumn('retention_ms', ddl.time, (column) => column.notNull())
      .addColumn('worker', 'text')
      .addColumn('lease_until', ddl.time)
      .addColumn('cancel_at', ddl.time)
      .addColumn('progress', 'text')
      .addColumn('result', 'text')
      .addColumn('error', 'text')
      .addColumn('created_at', ddl.time, (column) => column.notNull())
      .addColumn('started_at', ddl.time)
      .addColumn('finished_at', ddl.time)
      .addColumn('expires_at', ddl.time)
      .execute();
    // Every change of a job's state touches every index that has the job: each sees only the jobs it is for.
    const index = (name: string, columns: string, where: string, unique = '') =>
      sql`create ${sql.raw(unique)} index ${sql.id(name)} on jobs (${sql.raw(columns)}) where ${sql.raw(where)}`.execute(
        db,
      );
    await index('jobs_idempotency', 'name, idempotency_key', 'idempotency_key is not null', 'unique');
    await index('jobs_queued', 'limited, priority desc, id', `state = 'queued'`);
    await index('jobs_scheduled', 'run_at', `state = 'scheduled'`);
    await index('jobs_running', 'lease_until', `state = 'running'`);
    await index('jobs_unannounced', 'id', `state = 'queued' and announced = 0`);
    await index('jobs_failed', 'id', `state = 'failed'`);
    await index('jobs_expiring', 'expires_at', 'expires_at is not null');
    await index('jobs_owner', 'owner, id', 'owner is not null');
    await db.schema
      .createTable('job_attempts')
      .addColumn('job_id', ddl.bytewiseText, (column) => column.notNull().references('jobs.id').onDelete('cascade'))
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('started_at', ddl.time, (column) => column.notNull())
      .addColumn('finished_at', ddl.time, (column) => column.notNull())
      .addColumn('error', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('job_attempts_pk', ['job_id', 'attempt'])
      .execute();
    await db.schema
      .createTable('job_schedules')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('cron', 'text', (column) => column.notNull())
      .addColumn('next_at', ddl.time, (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('job_totals')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('count', ddl.time, (column) => column.notNull())
      .addPrimaryKeyConstraint('job_totals_pk', ['name', 'outcome'])
      .execute();
  },
  async down(db: Kysely<unknown>) {
    for (const table of ['job_totals', 'job_schedules', 'job_attempts', 'jobs']) {
      await db.schema.dropTable(table).execute();
    }
  },
});

/**
 * Migrates a database with the numbered files of a folder, forward only, in one transaction.
 *
 * Concurrent migrations are safe. The lock belongs to the transaction, so this works through a pooler in transaction mode. A
 * database that is newer than the files stays unchanged, so an older release can be deployed.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../platform/fault.ts'
import type { Database } from './database.ts'

interface Migration {
  readonly number: number
  readonly name: string
  readonly statements: string
}

/** `shared/sql` in the sources; the folder `sql` next to a bundled program. */
export const defaultFolder = (moduleUrl: string = import.meta.url): string => {
  const bundled = !moduleUrl.endsWith('/adapters/postgres/migrate.ts')
  return fileURLToPath(new URL(bundled ? './sql' : '../../sql', moduleUrl))
}

/** The files `0001_name.sql` … of a folder in order. @throws Fault when two have the same number */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^[0-9]{4}_[a-z0-9_]+\.sql$/.test(name)).sort()
  const migrations = await Promise.all(
    names.map(async (name) => ({
      number: Number(name.slice(0, 4)),
      name,
      statements: await readFile(`${folder}/${name}`, 'utf8'),
    })),
  )
  const double = migrations.find(({ number }, index) => migrations[index + 1]?.number === number)
  if (double) throw new Fault('unexpected', `two migrations have the number of ${double.name}`)
  return migrations
}

/** Names of the files that are not applied yet. Writes nothing. */
export async function missingMigrations(database: Database, folder: string = defaultFolder()): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const applied = await database.query(async (sql) => {
    const [table] = await sql<{ found: boolean }[]>`select to_regclass('po.migration') is not null as found`
    return table?.found ? [...(await sql<{ number: number }[]>`select number from po.migration`)] : []
  })
  return migrations.filter(({ number }) => !applied.some((row) => row.number === number)).map(({ name }) => name)
}

/** Applies the missing files and resolves to their names. */
export async function migrate(database: Database, folder: string = defaultFolder()): Promise<string[]> {
  const migrations = await readMigrations(folder)
  return database.transaction(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('po.migration', 0))`
    await tx`create schema if not exists po`
    await tx`
      create table if not exists po.migration (
        number integer primary key,
        name text not null,
        applied_at timestamptz not null default now()
      )`
    const applied = await tx<{ number: number }[]>`select number from po.migration`
    const missing = migrations.filter(({ number }) => !applied.some((row) => row.number === number))
    for (const { number, name, statements } of missing) {
      await tx.unsafe(statements).simple()
      await tx`insert into po.migration (number, name) values (${number}, ${name})`
    }
    return missing.map(({ name }) => name)
  })
}

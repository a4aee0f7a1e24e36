/** The tables of the Python service since its version 0.5, as its ORM makes them on PostgreSQL, and rows for them. */
import type { Database } from '../../shared/adapters/postgres/po/index.ts'

/** A row as it is stored; what a test does not name is as in a row that runs. */
export interface StoredRow {
  readonly deployment_name: string | null
  readonly analysis_id: string | null
  readonly project_id: string | null
  readonly registry_url: string | null
  readonly image_url: string | null
  readonly registry_user: string | null
  readonly registry_password: string | null
  readonly status: string | null
  readonly log: string | null
  /** JSON text in a JSON string. */
  readonly pod_ids: string | null
  readonly namespace: string | null
  readonly kong_token: string | null
  readonly restart_counter: number | null
  readonly progress: number | null
  /** Seconds since 1970. */
  readonly time_created: number | null
  readonly time_updated: number | null
}

const COLUMNS = `
  id serial primary key,
  deployment_name varchar,
  analysis_id varchar,
  project_id varchar,
  registry_url varchar,
  image_url varchar,
  registry_user varchar,
  registry_password varchar,
  status varchar,
  log varchar,
  pod_ids json,
  namespace varchar,
  kong_token varchar,
  restart_counter integer,
  progress integer,
  time_created double precision,
  time_updated double precision`

export async function createFormerTables({ query }: Pick<Database, 'query'>): Promise<void> {
  await query(async (sql) => {
    for (const table of ['analysis', 'archive']) {
      await sql.unsafe(`create table public.${table} (${COLUMNS})`)
      await sql.unsafe(`create unique index ix_${table}_deployment_name on public.${table} (deployment_name)`)
      for (const column of ['id', 'analysis_id', 'project_id']) {
        await sql.unsafe(`create index ix_${table}_${column} on public.${table} (${column})`)
      }
    }
  })
}

export const SECRETS = { password: 'pässwörd "quoted" of the registry', kong: 'kong-secret-token' } as const
export const CREATED = 1_760_000_000.25

export const formerRow = (id: string, run: number, fields: Partial<StoredRow> = {}): StoredRow => ({
  deployment_name: `analysis-${id}-${run}`,
  analysis_id: id,
  project_id: '6f0d1f5e-8a1b-4f0e-9a57-2f3e5a7d9c11',
  registry_url: 'https://harbor.example/flame',
  image_url: 'harbor.example/flame/mean:1',
  registry_user: 'robot$node',
  registry_password: SECRETS.password,
  status: 'executing',
  log: null,
  pod_ids: JSON.stringify(JSON.stringify([`analysis-${id}-${run}-5d9c7-x2x4z`])),
  namespace: 'flame',
  kong_token: SECRETS.kong,
  restart_counter: run,
  progress: 40,
  time_created: CREATED + run,
  time_updated: null,
  ...fields,
})

export async function insertFormer(
  { query }: Pick<Database, 'query'>,
  row: StoredRow,
  table: 'analysis' | 'archive' = 'analysis',
): Promise<void> {
  await query((sql) => sql`insert into public.${sql(table)} ${sql({ ...row })}`)
}

/** The functions that transfer files, in this process, on a real database; each behind its own server. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { connect, type Database } from '../../../shared/adapters/postgres/database.ts'
import { createMatcher } from '../../../shared/http/match.ts'
import { type HttpFunction, registeredFunction } from '../../../shared/http/register.ts'
import { runToken, type TokenGrant } from '../../../shared/platform/service-token.ts'
import { dtRoutes, functionFolder, prefixOf } from '../../../shared/routes/index.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../sandbox/test-databases.ts'

export const KEY = 'a key of more than thirty-two characters'
export const PREFIX = '/api/orchestrator/v1alpha1'
const FILES = ['dt-file-list', 'dt-file-upload', 'dt-file-get', 'dt-file-replace', 'dt-file-delete']
const routes = dtRoutes.filter(({ name }) =>
  [...FILES, 'dt-run-input', 'dt-run-output', 'dt-service-output'].includes(name),
)

export interface ServiceOptions {
  /** Its inputs follow their files. */
  readonly scheduled?: boolean
  readonly firing?: number
}

export interface FileWorld {
  readonly url: string
  readonly database: Database
  /** A service that runs, with these mounts: file id → name. */
  service(mounts?: Readonly<Record<string, string>>, options?: ServiceOptions): Promise<string>
  upload(filename: string, bytes: Uint8Array | string): Promise<Response>
  stop(): Promise<void>
}

export const uidOf = (id: string): string => `uid-of-${id}`

/** The path of a run of a service; default: the first of its three. */
export const tokenOf = (id: string, fields: Partial<TokenGrant> = {}): string =>
  runToken([KEY], {
    serviceId: id,
    uid: uidOf(id),
    step: 'replication',
    firing: 0,
    index: 0,
    retries: 2,
    ...fields,
  })

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Routes by the route table, like a gateway; the first function answers unknown paths with 404. */
async function serveAll(): Promise<Server> {
  const served: { fn: HttpFunction; find: ReturnType<typeof createMatcher> }[] = []
  for (const route of routes) {
    await import(
      /* @vite-ignore */ fileURLToPath(new URL(`../../../functions/${functionFolder(route)}/index.ts`, import.meta.url))
    )
    const fn = registeredFunction(route.name)
    if (!fn) throw new Error(`${route.name} does not register itself`)
    served.push({ fn, find: createMatcher(route.endpoints, prefixOf(route, 'v1alpha1')) })
  }
  return createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    const method = request.method ?? ''
    const found =
      served.find(({ find }) => find(method, path).match) ??
      served.find(({ find }) => find(method, path).methods.length > 0)
    void (found ?? served[0])?.fn(request, response)
  })
}

export async function startFileWorld(env: Readonly<Record<string, string>> = {}): Promise<FileWorld> {
  const databases: TestDatabases = await startTestDatabases()
  const settings = databaseSettings(await databases.create())
  for (const [name, value] of Object.entries({
    ...settings,
    DT_TOKEN_KEY: KEY,
    DT_AUTH: 'none',
    LOG_LEVEL: 'fatal',
    ...env,
  }))
    vi.stubEnv(name, String(value))
  const database = connect(settings)
  const server = await serveAll()
  const url = await listen(server)
  return {
    url,
    database,
    async service(mounts = {}, { scheduled = false, firing = scheduled ? -1 : 0 } = {}) {
      const id = randomBytes(12).toString('hex')
      await database.query(
        (sql) => sql`
          insert into dt.service (id, uid, spec, job_type, phase, firing, created_at)
          values (
            ${id}, ${uidOf(id)}, '{"reps": 3}'::json, ${scheduled ? 'scheduled' : 'ondemand'}, 'running', ${firing}, now()
          )`,
      )
      for (const [fileId, name] of Object.entries(mounts))
        await database.query(
          (sql) => sql`
            insert into dt.mount (service_id, name, file_id, follows, body)
            values (${id}, ${name}, ${fileId}, ${scheduled}, (select body from dt.file where id = ${fileId}))`,
        )
      return id
    },
    upload(filename, bytes) {
      const form = new FormData()
      form.set('file', new Blob([bytes as never]), filename)
      return fetch(`${url}/files/upload`, { method: 'POST', body: form })
    },
    async stop() {
      vi.unstubAllEnvs()
      server.closeAllConnections()
      server.close()
      await database.end({ timeout: 1 })
      await databases.stop()
    },
  }
}

/**
 * vitest's global setup: one PostgreSQL server for the test files of a run. It starts when the first of them asks for its login;
 * a run of files that need none starts none.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { PostgresServer } from './postgres.ts'
import { startMigrated } from './test-databases.ts'

export async function setup({ config }: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Between two runs of a watcher the migrations may change.
  if (config.watch) return undefined
  let started: Promise<PostgresServer> | undefined
  const endpoint = createServer((_, response) => {
    started ??= startMigrated()
    started.then(
      (server) => response.end(JSON.stringify(server)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  }).listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  process.env['TEST_POSTGRES'] = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`
  return async () => {
    endpoint.close()
    await (await started)?.stop()
  }
}

/**
 * Keeps an installation until Ctrl-C, for work on these tests: they use it if TEST_INSTALLATION is the printed file.
 *
 *     node test/cluster/knative/keep.ts
 *     TEST_INSTALLATION=.run/installation.json npx vitest run --config vitest.cluster.config.ts --project 'on Knative'
 */
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { install } from './installation.ts'

const FILE = '.run/installation.json'

await using stops = new AsyncDisposableStack()
const installation = await install(stops)
await mkdir('.run', { recursive: true })
await writeFile(FILE, JSON.stringify(installation), { mode: 0o600 })
stops.defer(() => rm(FILE))
console.log(`TEST_INSTALLATION=${FILE}: namespace ${installation.namespace}, ${installation.url}`)
const alive = setInterval(() => {}, 60_000)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
clearInterval(alive)

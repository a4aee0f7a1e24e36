/**
 * `make test-openapi`: schemathesis makes requests of both descriptions, good ones and bad ones, sends them to the functions
 * behind the sandbox's gateway with a token, and compares every answer with what the description says. The seed is fixed, so
 * that a finding comes again. It ends with 0 when there is none.
 *
 * TEST_SCHEMATHESIS is the path of the program; else it is looked for on the PATH.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prefixOf, routes } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'
import { startSandbox } from '../sandbox/sandbox.ts'

const PROGRAM = process.env['TEST_SCHEMATHESIS'] || 'schemathesis'
const INSTALL =
  'python3 -m venv .run/python && .run/python/bin/pip install --require-hashes -r test/openapi/requirements.txt'
const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url))
const SEED = 20_261_128
/** Cases of each operation beside those that the description enumerates. */
const EXAMPLES = process.env['TEST_OPENAPI_EXAMPLES'] || '10'
const REQUEST_SECONDS = 30
const DESCRIPTIONS = [
  '/api/v1/openapi.json',
  `${prefixOf(routes.dt.docs, SETTINGS.VERSION.default ?? '')}/openapi.json`,
]

/** Exit code of a run in `folder`; its output goes where ours goes. */
async function run(args: readonly string[], folder: string): Promise<number> {
  const child = spawn(PROGRAM, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

async function isInstalled(folder: string): Promise<boolean> {
  const child = spawn(PROGRAM, ['--version'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  return once(child, 'exit').then(
    ([code]) => code === 0,
    () => false,
  )
}

const folder = await mkdtemp(join(tmpdir(), 'openapi-'))
try {
  if (!(await isInstalled(folder))) throw new Error(`there is no ${PROGRAM}. Install it, for example: ${INSTALL}`)
  const sandbox = await startSandbox({
    folder,
    intervalSeconds: 5,
    dt: true,
    // A create may leave the registry out where the node has one. What is launched need not run.
    env: { HARBOR_URL: 'https://harbor.example', DT_MAX_RUNS: '1' },
  })
  try {
    const token = await sandbox.token()
    for (const path of DESCRIPTIONS) {
      console.log(`\n== ${path}`)
      const bounds = ['--seed', String(SEED), '--max-examples', EXAMPLES, '--request-timeout', String(REQUEST_SECONDS)]
      const output = ['--continue-on-failure', '--no-color', '--no-shrink']
      const headers = ['--header', `Authorization: Bearer ${token}`]
      if (
        (await run(
          ['--config-file', CONFIG, 'run', `${sandbox.gateway.url}${path}`, ...headers, ...bounds, ...output],
          folder,
        )) !== 0
      )
        process.exitCode = 1
    }
  } finally {
    await sandbox.stop()
  }
} catch (error) {
  console.error(`make test-openapi: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

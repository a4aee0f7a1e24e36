/** `knative/bin/kn-po`: the folder `kn-po` and what it takes from the tables, as one file for Node 20 that can be copied anywhere. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { readInterval } from '../manifests/status-loop.ts'

const ROOT = new URL('../../', import.meta.url)

export const PLUGIN = 'knative/bin/kn-po'

/** Below the first line, which has to be for the shell. */
const NOTICE = '// Made by `make render` from knative/plugin and shared/routes/index.ts; do not edit.\n'

export function renderPlugin(): string {
  const interval = readInterval(readFileSync(new URL('knative/config/base/status-loop/interval.env', ROOT), 'utf8'))
  const { outputFiles } = buildSync({
    entryPoints: ['knative/plugin/index.ts'],
    absWorkingDir: fileURLToPath(ROOT),
    bundle: true,
    platform: 'node',
    // Outside of the project nothing would say that it is an ES module.
    format: 'cjs',
    target: 'node20',
    charset: 'utf8',
    define: { BASE_INTERVAL_SECONDS: String(interval) },
    write: false,
    logLevel: 'warning',
  })
  return (outputFiles[0]?.text ?? '').replace('\n', `\n${NOTICE}`)
}

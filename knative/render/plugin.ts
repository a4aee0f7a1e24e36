/** Bundles `knative/plugin` and the tables that it imports into one file for Node 20, `knative/bin/kn-po`. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { readInterval } from '../manifests/status-loop.ts'

const ROOT = new URL('../../', import.meta.url)

export const PLUGIN = 'knative/bin/kn-po'

/** The second line; the first is the shebang. */
const NOTICE = '// Made by `make render` from knative/plugin and shared/routes/index.ts; do not edit.\n'

export function renderPlugin(): string {
  const interval = readInterval(readFileSync(new URL('knative/config/base/status-loop/interval.env', ROOT), 'utf8'))
  const { outputFiles } = buildSync({
    entryPoints: ['knative/plugin/index.ts'],
    absWorkingDir: fileURLToPath(ROOT),
    bundle: true,
    platform: 'node',
    // Outside the project no package.json would mark it as an ES module.
    format: 'cjs',
    target: 'node20',
    charset: 'utf8',
    define: { BASE_INTERVAL_SECONDS: String(interval) },
    write: false,
    logLevel: 'warning',
  })
  return (outputFiles[0]?.text ?? '').replace('\n', `\n${NOTICE}`)
}

/**
 * Writes the files that are rendered from tables in the code: `node knative/render/index.ts`. With `--check` it writes nothing
 * and fails if a file differs from its rendering, or if a folder for rendered files has another file.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { renderArchitecture } from './architecture.ts'
import { renderEnv } from './env.ts'
import { MANIFESTS, type Rendered, strays } from './manifests.ts'
import { PLUGIN, renderPlugin } from './plugin.ts'

export const RENDERED: readonly Rendered[] = [
  { path: '.env.template', render: renderEnv },
  { path: 'ARCHITECTURE.md', render: () => renderArchitecture() },
  { path: PLUGIN, render: renderPlugin, isProgram: true },
  ...MANIFESTS,
]

const ROOT = new URL('../../', import.meta.url)

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, ROOT), 'utf8')
  } catch {
    return undefined
  }
}

export const differing = (read: (path: string) => string | undefined = readIfPresent): string[] =>
  RENDERED.filter(({ path, render }) => read(path) !== render()).map(({ path }) => path)

function write(): void {
  const [paths, left] = [differing(), strays()]
  for (const { path, render, isProgram } of RENDERED) {
    mkdirSync(new URL('.', new URL(path, ROOT)), { recursive: true })
    writeFileSync(new URL(path, ROOT), render())
    if (isProgram) chmodSync(new URL(path, ROOT), 0o755)
  }
  for (const path of left) rmSync(new URL(path, ROOT))
  console.log(paths.length > 0 ? `Written: ${paths.join(', ')}` : 'Nothing has changed.')
  if (left.length > 0) console.log(`Removed: ${left.join(', ')}`)
}

function check(): void {
  const [paths, left] = [differing(), strays()]
  if (paths.length > 0) console.error(`Not as rendered: ${paths.join(', ')}.`)
  if (left.length > 0) console.error(`Not of the tables: ${left.join(', ')}.`)
  if (paths.length + left.length === 0) return
  console.error('Run `make render` and commit the result.')
  process.exitCode = 1
}

if (import.meta.main) {
  if (process.argv.includes('--check')) check()
  else write()
}

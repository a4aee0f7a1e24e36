/**
 * Writes the files that are made from tables in the code: `node knative/render.ts`. With `--check` it writes nothing and
 * fails when a file differs from what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { renderArchitecture } from './render-architecture.ts'
import { renderEnv } from './render-env.ts'

interface Rendered {
  /** Below the root of the repository. */
  readonly path: string
  readonly render: () => string
}

export const RENDERED: readonly Rendered[] = [
  { path: '.env.template', render: renderEnv },
  { path: 'ARCHITECTURE.md', render: () => renderArchitecture() },
]

const ROOT = new URL('../', import.meta.url)

function present(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, ROOT), 'utf8')
  } catch {
    return undefined
  }
}

/** Paths whose content is not what their table says. */
export const differing = (read: (path: string) => string | undefined = present): string[] =>
  RENDERED.filter(({ path, render }) => read(path) !== render()).map(({ path }) => path)

if (import.meta.main) {
  const paths = differing()
  if (!process.argv.includes('--check')) {
    for (const { path, render } of RENDERED) writeFileSync(new URL(path, ROOT), render())
    console.log(paths.length > 0 ? `Written: ${paths.join(', ')}` : 'Nothing has changed.')
  } else if (paths.length > 0) {
    console.error(`Not as rendered: ${paths.join(', ')}. Run \`make render\` and commit the result.`)
    process.exitCode = 1
  }
}

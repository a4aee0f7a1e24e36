/** Checks the staged files before a commit and reports all faults at once. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

const LARGEST_BYTES = 1024 * 1024
const BIOME = resolve('node_modules/@biomejs/biome/bin/biome')
const WHITESPACE = 'core.whitespace=blank-at-eol,space-before-tab'

const git = (...args: string[]): string =>
  execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 * LARGEST_BYTES })

const stagedFiles = (): string[] =>
  git('diff', '--cached', '--name-only', '-z', '--diff-filter=ACMR').split('\0').filter(Boolean)

const isFile = (path: string): boolean => !git('ls-files', '--stage', '--', path).startsWith('160000')

function sizeFault(path: string): string | undefined {
  const bytes = Number(git('cat-file', '-s', `:${path}`))
  return bytes > LARGEST_BYTES ? `${path}: ${bytes} bytes, more than 1 MiB` : undefined
}

function yamlFault(path: string): string | undefined {
  if (!/\.ya?ml$/.test(path)) return undefined
  const [error] = parseAllDocuments(git('show', `:${path}`)).flatMap((document) => document.errors)
  return error && `${path}: not valid YAML: ${error.message.split('\n', 1)[0]}`
}

/** Trailing white space and conflict markers in added lines, as `git diff --check` finds them. */
function lineFaults(): string[] {
  const { stdout } = spawnSync('git', ['-c', WHITESPACE, 'diff', '--cached', '--check'], { encoding: 'utf8' })
  return stdout.split('\n').filter((line) => /^[^+].*:\d+: /.test(line))
}

/** Biome checks files, and the working tree may differ from the index, so it gets a copy of the index. */
function biomeFaults(paths: readonly string[]): string[] {
  if (paths.length === 0) return []
  const copy = mkdtempSync(join(tmpdir(), 'staged-'))
  try {
    git('checkout-index', '--all', `--prefix=${copy}/`)
    const args = [BIOME, 'check', '--vcs-enabled=false', '--no-errors-on-unmatched', '--colors=off', ...paths]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' })
    return status === 0 ? [] : [`${stdout}${stderr}\n\`npm run format\` fixes most of this.`.trim()]
  } finally {
    rmSync(copy, { recursive: true })
  }
}

const files = stagedFiles().filter(isFile)
const large = files.flatMap((path) => sizeFault(path) ?? [])
const faults = [...large, ...lineFaults()]
if (large.length === 0) faults.push(...files.flatMap((path) => yamlFault(path) ?? []), ...biomeFaults(files))
if (faults.length > 0) {
  console.error(`Commit refused:\n${faults.join('\n')}`)
  process.exitCode = 1
}

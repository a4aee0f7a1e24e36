/**
 * The rule for commit messages: Conventional Commits, `type(scope)!: subject`, one change per commit.
 *
 * `commit-msg.ts FILE` checks one message, as Git calls the hook. `commit-msg.ts --range A..B` checks the commits of a range.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export const TYPES = ['build', 'chore', 'ci', 'docs', 'feat', 'fix', 'perf', 'refactor', 'revert', 'style', 'test']

/** Characters of the first line. */
const LONGEST = 72
const HEADER = /^(?<type>[a-z]+)(?:\((?<scope>[^()]*)\))?!?: (?<subject>.*)$/
const SCOPE = /^[a-z0-9][a-z0-9./-]*$/
/** Written by Git, or removed by the next autosquash. */
const GENERATED = /^(?:Merge |Revert "|(?:fixup|squash|amend)! )/
const SCISSORS = /^# -+ >8 -+$/m
const MAX_LOG_BYTES = 64 * 1024 * 1024

/** The message without comments and without the diff that `git commit --verbose` appends. */
const written = (message: string): string[] => {
  const [kept = ''] = message.split(SCISSORS)
  return kept.split(/\r?\n/).filter((line) => !line.startsWith('#'))
}

function subjectFault(subject: string): string | undefined {
  if (!subject.trim()) return 'the subject is empty'
  if (subject !== subject.trim()) return 'the subject needs one space before it and none after it'
  if (subject.endsWith('.')) return 'the subject ends with a full stop'
  if (subject.includes(';')) return 'the subject joins two changes with `;`: make two commits'
  return undefined
}

function headerFault(header: string): string | undefined {
  const { type, scope, subject = '' } = HEADER.exec(header)?.groups ?? {}
  if (type === undefined) return 'the first line is not `type(scope): subject`'
  if (!TYPES.includes(type)) return `\`${type}\` is not a type; use one of ${TYPES.join(', ')}`
  if (scope !== undefined && !SCOPE.test(scope))
    return `\`${scope}\` is not a scope: use one lower-case word, such as \`po\``
  const fault = subjectFault(subject)
  if (fault) return fault
  return header.length > LONGEST ? `the first line has ${header.length} characters, more than ${LONGEST}` : undefined
}

/** What is wrong with a message, or undefined. */
export function messageFault(message: string): string | undefined {
  const [header = '', ...body] = written(message.trimStart())
  if (GENERATED.test(header)) return undefined
  return headerFault(header) ?? (body[0]?.trim() ? 'the line below the first one must be blank' : undefined)
}

interface Commit {
  readonly hash: string
  readonly message: string
}

/** The commits of a range, or undefined when Git does not know the range. */
function commitsOf(range: string): Commit[] | undefined {
  const { status, stdout } = spawnSync('git', ['log', '-z', '--format=%h %B', range, '--'], {
    encoding: 'utf8',
    maxBuffer: MAX_LOG_BYTES,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) return undefined
  return stdout
    .split('\0')
    .filter(Boolean)
    .map((entry) => {
      const [hash = ''] = entry.split(' ', 1)
      return { hash, message: entry.slice(hash.length + 1) }
    })
}

/** The exit code: 0 for good messages, 1 for bad ones, 2 when the range cannot be read. */
function checkRange(range: string): number {
  const commits = commitsOf(range)
  if (!commits) return 2
  const faults = commits.flatMap(({ hash, message }) => {
    const fault = messageFault(message)
    return fault ? [`${hash} ${message.split('\n', 1)[0]}\n  ${fault}`] : []
  })
  if (faults.length === 0) {
    console.log(`${commits.length} commit messages checked`)
    return 0
  }
  console.error(`${faults.length} of ${commits.length} commit messages refused:\n${faults.join('\n')}`)
  return 1
}

/** The exit code: 0 for a good message, 1 for a bad one. */
function checkFile(path: string): number {
  const fault = messageFault(readFileSync(path, 'utf8'))
  if (!fault) return 0
  console.error(`Commit refused: ${fault}.\nExample: fix(po): keep the run number after a delete`)
  return 1
}

if (import.meta.main) {
  const [first = '', range = ''] = process.argv.slice(2)
  process.exitCode = first === '--range' ? checkRange(range) : checkFile(first)
}

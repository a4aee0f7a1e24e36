/** The rule for commit messages: Conventional Commits, `type(scope)!: subject`. */
import { readFileSync } from 'node:fs'

export const TYPES = ['build', 'chore', 'ci', 'docs', 'feat', 'fix', 'perf', 'refactor', 'revert', 'style', 'test']

const LONGEST = 100
const HEADER = /^(?<type>[a-z]+)(?:\((?<scope>[^()]*)\))?!?: (?<subject>.*)$/
const SCOPE = /^[a-z0-9][a-z0-9./-]*$/
/** Git wrote these, or a rebase will fold them away. */
const GENERATED = /^(?:Merge |Revert "|(?:fixup|squash|amend)! )/
const SCISSORS = /^# -+ >8 -+$/m

/** Without comments, and without the diff that `git commit --verbose` shows. */
const written = (message: string): string[] => {
  const [kept = ''] = message.split(SCISSORS)
  return kept.split(/\r?\n/).filter((line) => !line.startsWith('#'))
}

function headerFault(header: string): string | undefined {
  const { type, scope, subject } = HEADER.exec(header)?.groups ?? {}
  if (type === undefined) return 'the first line is not `type(scope): subject`'
  if (!TYPES.includes(type)) return `\`${type}\` is no type; there are ${TYPES.join(', ')}`
  if (scope !== undefined && !SCOPE.test(scope)) return `\`${scope}\` is no scope: one lower-case word, such as \`po\``
  if (!subject?.trim()) return 'the subject is empty'
  if (subject !== subject.trim()) return 'one space stands before the subject and none after it'
  if (subject.endsWith('.')) return 'a subject ends without a full stop'
  if (header.length > LONGEST) return `the first line has ${header.length} characters, more than ${LONGEST}`
  return undefined
}

/** What is wrong with a message; undefined for a good one. */
export function messageFault(message: string): string | undefined {
  const [header = '', ...body] = written(message.trimStart())
  if (GENERATED.test(header)) return undefined
  return headerFault(header) ?? (body[0]?.trim() ? 'a blank line is missing below the first line' : undefined)
}

if (import.meta.main) {
  const fault = messageFault(readFileSync(process.argv[2] ?? '', 'utf8'))
  if (fault) {
    console.error(`Commit refused: ${fault}.\nExample: fix(po): keep the run number after a delete`)
    process.exitCode = 1
  }
}

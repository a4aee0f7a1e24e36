/** The completion scripts in their shells. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { completionScript, type Shell } from '../../../knative/plugin/completion.ts'
import { isInstalled } from '../../shared/po/objects/installed.ts'
import { knPo } from './program.ts'

const VERBS = ['status', 'logs', 'record', 'stop', 'tick', 'routes', 'healthz', 'completion']

test.each<Shell>(['bash', 'zsh'])('`completion %s` prints its script', async (shell) => {
  expect(await knPo(['completion', shell])).toEqual({ code: 0, stdout: completionScript(shell), stderr: '' })
})

/** Bash's completions of the last word. */
function bashOffers(words: readonly string[]): readonly string[] {
  const script = `${completionScript('bash')}
    __start_kn() { COMPREPLY=(service plugin); }
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    offer=$(complete -p "$1"); offer=\${offer##*-F }; \${offer%% *}
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter(Boolean)
}

describe.skipIf(!isInstalled('bash', 'bash'))('bash', () => {
  test.each<[string[], string[]]>([
    [
      ['kn-po', 'st'],
      ['status', 'stop'],
    ],
    [
      ['kn', 'po', 'st'],
      ['status', 'stop'],
    ],
    [['kn', 'po', '-n', 'flame', 'h'], ['healthz']],
    [
      ['kn', 'po', 'status', '-o', ''],
      ['text', 'json'],
    ],
    [
      ['kn', 'po', 'completion', ''],
      ['bash', 'zsh', '-o', '--output'],
    ],
    [['kn', 'po', 'logs', '--f'], ['--follow']],
    [
      ['kn', 'po', 'logs', '--token', 'x', '--h'],
      ['--history', '--help'],
    ],
    [['kn', 'po', 'stop', '--h'], ['--help']],
    [
      ['kn', 'p'],
      ['service', 'plugin', 'po'],
    ],
    [
      ['kn', 'service', ''],
      ['service', 'plugin'],
    ],
  ])('%j', (words, expected) => {
    expect(bashOffers(words).slice(0, expected.length)).toEqual(expected)
  })
  test('offers all verbs', () => expect(bashOffers(['kn', 'po', '']).slice(0, VERBS.length)).toEqual(VERBS))
})

/** Types a line and a tab on a pseudo-terminal, since zsh completes only on terminals. */
const ZSH_SESSION = String.raw`
  zmodload zsh/zpty
  zpty z zsh -f -i
  zpty -w z 'PROMPT=; autoload -U compinit; compinit -u -D; _kn() { compadd service plugin }'
  zpty -w z 'source $SCRIPT; bindkey "^I" list-choices; echo REA""DY'
  zpty -r -m z said '*READY*'
  zpty -n -w z "$1"$'\t'
  zpty -r -m z said "$2" && print -r -- offered
  zpty -d z`

describe.skipIf(!isInstalled('zsh', 'zsh'))('zsh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kn-po-zsh-'))
  const script = join(folder, 'kn-po.zsh')
  writeFileSync(script, completionScript('zsh'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each([
    ['kn-po st', '*status *-- *stop *-- *'],
    ['kn po st', '*status *-- *stop *-- *'],
    ['kn po -n flame he', '*healthz *-- *'],
    ['kn po status -o ', '*json*text*'],
    ['kn po completion ', '*bash*zsh*'],
    ['kn po logs --', '*--follow *--history *'],
    ['kn p', '*plugin*po*'],
  ])('%s: %s', (line, expected) => {
    const env = { ...process.env, SCRIPT: script, TERM: 'xterm' }
    const args = ['-f', '-c', ZSH_SESSION, 'zsh', line, expected]
    expect(spawnSync('zsh', args, { encoding: 'utf8', env, timeout: 20_000 }).stdout).toBe('offered\n')
  })
})

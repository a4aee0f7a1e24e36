/** Renders the tables of ARCHITECTURE.md from the code, between their markers. The other text is written by hand. */
import { readFileSync } from 'node:fs'
import { OBSERVATIONS } from '../../shared/po/classify.ts'
import { changeType, RECONCILE_TYPE } from '../../shared/po/events.ts'
import { DECISIONS, WORDS } from '../../shared/po/lifecycle.ts'
import { CHANGES, type ChangeTo, RUN_FAULTS, STATES } from '../../shared/po/model.ts'
import { REMEDIES } from '../../shared/po/run-faults.ts'
import { allRoutes, functionFolder } from '../../shared/routes/index.ts'
import { grantsOf } from '../manifests/grants.ts'
import { ROOMS } from './rooms.ts'

const PAGE = new URL('../../ARCHITECTURE.md', import.meta.url)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const decisions = (): string =>
  table(
    ['recorded ╲ observed', ...OBSERVATIONS],
    Object.entries(DECISIONS).map(([state, row]) => [`**${state}**`, ...OBSERVATIONS.map((kind) => row[kind])]),
  )

const CURES = { restart: 'restart', renewToken: 'renew the token, once per run', fail: 'fail' } as const
const WAITS = {
  PULL_BUDGET: 'the kubelet retries; fail after `PULL_BUDGET`',
  PARTNER_BUDGET: 'remove the run, restart when the partner has started; fail after `PARTNER_BUDGET`',
} as const
const SAME = { exitCode: 'exit code', lastLine: 'last line', cause: 'cause' } as const

const faults = (): string =>
  table(
    ['fault', 'sign', 'action', 'seconds before restart 1, 2, …', 'fail at a second one in a row with the same'],
    RUN_FAULTS.map((fault) => {
      const { sign, cure, budget, backoffSeconds, sameIf } = REMEDIES[fault]
      return [
        `\`${fault}\``,
        sign,
        budget ? WAITS[budget] : CURES[cure],
        cure === 'restart' ? backoffSeconds.join(', ') : '–',
        sameIf.map((field) => SAME[field]).join(' and ') || '–',
      ]
    }),
  )

const words = (): string =>
  table(
    ['recorded', 'in `/po/status`', 'at the Hub'],
    STATES.map((state) => [`**${state}**`, WORDS[state].status, WORDS[state].hub ?? '(last one stands)']),
  )

const functions = (): string =>
  table(
    ['function', 'answers', 'caller', 'Kubernetes'],
    allRoutes.map((route) => [
      `\`${functionFolder(route)}\``,
      route.endpoints.map(({ method, path }) => `${method} \`${path}\``).join('<br>'),
      route.trigger === 'event' ? 'CloudEvents' : route.auth,
      grantsOf(route),
    ]),
  )

const MEANINGS: Readonly<Record<ChangeTo, string>> = {
  starting: 'a create was accepted, or a restart began its next run',
  started: 'all its objects are applied',
  executing: 'it answered that it executes',
  restarting: 'its run was removed; `cause` says why',
  stopping: 'a caller ended it; its objects are being removed',
  executed: 'it finished',
  stopped: 'it was ended, and its objects are gone',
  failed: 'it ended with an error; `cause` says why',
  withdrawn: 'its creation was undone, or a cleanup deleted its record',
}

const events = (): string =>
  table(
    ['type', 'id', 'data', 'when'],
    [
      ...CHANGES.map((to) => [
        `\`${changeType(to)}\``,
        `\`{analysis}/{run}/${to}\``,
        '`analysisId run state progress cause`',
        MEANINGS[to],
      ]),
      [`\`${RECONCILE_TYPE}\``, '`{slot}/{analysis}`', '`analysisId slot`', 'with `FANOUT=events`, each slot'],
    ],
  )

const rooms = (): string =>
  table(
    ['room', 'files', 'owns', 'may import'],
    ROOMS.map(({ name, folder, owns, may }) => [
      name,
      folder,
      owns,
      may.length === 0 ? '–' : [...new Set(may)].map((word) => (/[:/]/.test(word) ? `\`${word}\`` : word)).join(', '),
    ]),
  )

const SECTIONS: Readonly<Record<string, () => string>> = { rooms, decisions, faults, words, functions, events }

export function renderArchitecture(page: string = readFileSync(PAGE, 'utf8')): string {
  return Object.entries(SECTIONS).reduce((text, [name, render]) => {
    const [begin, end] = [`<!-- rendered: ${name} -->`, `<!-- end: ${name} -->`]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md has no section ${name}`)
    return `${text.slice(0, from + begin.length)}\n${render()}\n${text.slice(to)}`
  }, page)
}

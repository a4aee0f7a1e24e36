/** The operator's page knows every message that an operator may meet, in the words in which they meet it. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { problem } from '../../shared/http/problem.ts'
import { FAULT_CODES, Fault } from '../../shared/platform/fault.ts'
import { describeTermination } from '../../shared/po/classify.ts'
import { dtRoutes, poRoutes, type Route, routes } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')
/** What `make import` says stands on the page of the twins. */
const page = `${read('docs/operating.md')}${read('docs/twins.md')}`.replaceAll(/\s+/g, ' ')

/** The longest piece of a text that is not put in at run time: `No ${x} for the y of z` → `for the y of z`. */
const essence = (text: string): string =>
  text
    .split(/\\n|\$\{[^}]*\}?/)
    .map((part) => part.trim().replace(/^[:;,.\s]+|[:;,.\s]+$/g, ''))
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '')

const LITERAL = /'((?:[^'\\\n]|\\.)*)'|`([^`]*)`/.source

/** Texts of calls that begin so. */
function textsOf(path: string, beginning: RegExp): { path: string; text: string }[] {
  const pattern = new RegExp(`${beginning.source}\\s*(?:${LITERAL})`, 'g')
  return [...read(path).matchAll(pattern)].map(([, single, template]) => ({ path, text: single ?? template ?? '' }))
}

/** Defects are one row of the page; words of `make adopt` stand on the page about moving. */
const FAULTS = [
  'shared/{po,dt}/*.ts',
  'shared/{po,dt}/reconcile/*.ts',
  'shared/{http,events,files}/*.ts',
  'shared/adapters/**/*.ts',
]
const CODES = FAULT_CODES.filter((code) => code !== 'unexpected').join('|')
/** No route asks for what it means; bodies of this code are lists of their own. */
const UNSEEN = ['No token is accepted here', 'Invalid request']

const faults = FAULTS.flatMap((pattern) => globSync(pattern, { cwd: ROOT.pathname })).flatMap((path) =>
  textsOf(path, new RegExp(`new Fault\\(\\s*'(?:${CODES})',`)).filter(({ text }) => !UNSEEN.includes(text)),
)
const configFaults = ['shared/wire/*.ts', 'shared/http/start.ts', 'shared/adapters/**/*.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: ROOT.pathname }))
  .flatMap((path) => textsOf(path, /new ConfigFault\(\[/))
const preflights = ['knative/deploy/preflight.ts'].flatMap((path) => textsOf(path, /faults\.push\(/))
const causes = [
  ...textsOf('shared/po/classify.ts', /cause(?:: | = )(?:withDetail\()?/),
  ...textsOf('shared/po/run-faults.ts', /return /),
].filter(
  ({ text }) =>
    !/is starting|has got a new token|is executing|has finished|is not there yet|is being prepared|nothing is known| yet$/.test(
      text,
    ),
)
const reasonsOfRuns = ['shared/dt/lifecycle.ts', 'shared/dt/reconcile/decide.ts', 'shared/pod/fetch-inputs.ts'].flatMap(
  (path) =>
    textsOf(path, /\b(?:reason: |return |incomplete: \([^)]*\) => |new Error\()/).filter(
      ({ text }) => text.includes(' ') && text !== 'its outputs are being stored',
    ),
)
const unstartable = textsOf('shared/platform/container-reasons.ts', /[?:] /)
const refusals = globSync('knative/deploy/*.ts', { cwd: ROOT.pathname }).flatMap((path) =>
  textsOf(path, /new DeployError\(/),
)

test('there is something to compare', () => {
  expect(faults.length).toBeGreaterThan(30)
  expect(configFaults.length).toBeGreaterThan(5)
  expect(preflights.length).toBeGreaterThan(0)
  expect(causes.length).toBeGreaterThan(5)
  expect(reasonsOfRuns.length).toBeGreaterThan(5)
  expect(unstartable.length).toBeGreaterThan(5)
  expect(refusals.length).toBeGreaterThan(2)
})

test.each([...faults, ...configFaults, ...preflights, ...causes, ...reasonsOfRuns, ...unstartable, ...refusals])(
  '$path: $text',
  ({ text }) => {
    expect(page).toContain(essence(text))
  },
)

test.each(FAULT_CODES.map((code) => ({ code, status: problem(new Fault(code, ''), '', '').status })))(
  'a table has a row for $status, $code',
  ({ status }) => expect(page).toMatch(new RegExp(`\\| (?:[^|]*, )?${status}\\b`)),
)

test.each([
  { exitCode: 137, reason: 'OOMKilled' },
  { exitCode: 0, reason: 'Completed' },
  { exitCode: 3, reason: 'Error' },
])('ends with $reason, $exitCode', (end) =>
  expect(page).toContain(
    describeTermination({ ...end, message: '' }).replace(/\d+$/, (code) => (code === '0' ? code : '…')),
  ),
)

test('only settings that exist are named as a cure', () => {
  const named = [...read('docs/operating.md').matchAll(/\b(?:[A-Z]+_)+[A-Z]+\b/g)].map(([name]) =>
    name.replace(/_FILE$/, ''),
  )
  const known = [...Object.keys(SETTINGS), 'FUNCTION_TARGET', 'STATUS_LOOP', 'NAME']
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !known.includes(name))).toEqual([])
})

test('connections to the database are counted for both systems, and for more pods of the loop', () => {
  const each = Number(SETTINGS.POSTGRES_MAX.default)
  const atMost = (some: readonly Route[]) =>
    each * some.filter(({ settings }) => settings.includes('database')).reduce((pods, { scale }) => pods + scale.max, 0)
  const events = read('knative/config/components/events/kustomization.yaml')
  const loops = Number(/autoscaling\.knative\.dev~1max-scale, value: '(\d+)'/.exec(events)?.[1])
  const more = each * (loops - routes.po.statusReconcile.scale.max)
  const [po, dt] = [atMost(poRoutes), atMost(dtRoutes)]
  expect(page).toContain(
    `analyses take ${po} connections and digital twins ${dt}; the component \`events\` adds ${more}.`,
  )
})

import { describe, expect, test } from 'vitest'
import { type CaseFacts, decideTakeover, OURS, type TakeoverDecision } from '../../../../shared/po/adopt/decide.ts'
import { formersOf } from '../../../../shared/po/adopt/former.ts'
import type { FormerRow } from '../../../../shared/po/ports/adopt.ts'

const facts = (changes: Partial<CaseFacts> = {}): CaseFacts => ({
  table: 'analysis',
  status: 'executing',
  obstacle: null,
  ours: 'nothing',
  record: 'THE RECORD',
  deployment: true,
  pods: 1,
  objects: 6,
  elsewhere: null,
  doubtful: false,
  finish: false,
  ...changes,
})

const NOTHING = { deployment: false, pods: 0, objects: 0 } as const

/** The decision in short: `finish record failed`. */
const short = (decision: TakeoverDecision): string =>
  decision.kind === 'finish'
    ? ['finish', decision.how, ...(decision.how === 'clear' ? [] : [decision.outcome])].join(' ')
    : decision.kind === 'adopt'
      ? `adopt ${decision.state}`
      : decision.kind

describe('what becomes of an analysis', () => {
  const rows: [string, Partial<CaseFacts>, string, RegExp][] = [
    ['it executes', {}, 'adopt executing', /^it runs$/],
    ['it was started', { status: 'started' }, 'adopt started', /^it runs$/],
    ['it was being started', { status: 'starting' }, 'adopt started', /^it runs$/],
    ['it was stuck', { status: 'stuck' }, 'adopt executing', /^it runs$/],
    ['it has two pods', { pods: 2 }, 'adopt executing', /2 pods/],
    ['its pod is gone', { pods: 0 }, 'adopt executing', /the loop will make another/],
    ['it was begun before', { ours: 'unfinished', objects: 0 }, 'adopt executing', /begun before/],
    ['it has another name', { obstacle: 'its name is odd' }, 'refuse', /its name is odd; it can be stopped instead/],

    ['it is to be stopped', { finish: true }, 'finish end stopped', /is to be stopped/],
    ['it is to be stopped, and odd', { finish: true, obstacle: 'odd' }, 'finish end stopped', /is to be stopped/],
    ['it was being stopped', { status: 'stopping' }, 'finish end stopped', /was being stopped/],
    ['nothing of it is left', NOTHING, 'finish end failed', /nothing of it can go on/],
    ['nothing of it is left to be stopped', { ...NOTHING, finish: true }, 'finish end failed', /nothing of it can/],
    ['only its proxy is left', { ...NOTHING, objects: 3 }, 'finish end failed', /nothing of it can go on/],
    ['it vanished while it was taken over', { ...NOTHING, ours: 'unfinished' }, 'finish end failed', /nothing of it/],

    ['nothing is here, and its namespace is another one', { ...NOTHING, elsewhere: 'other' }, 'refuse', /names.*other/],
    ['nothing is here of any that runs', { ...NOTHING, doubtful: true }, 'refuse', /right cluster and namespace\?/],

    ['it had failed', { ...NOTHING, status: 'failed' }, 'finish record failed', /^it had ended$/],
    ['it was stopped', { ...NOTHING, status: 'stopped' }, 'finish record stopped', /^it had ended$/],
    ['it had finished', { ...NOTHING, status: 'executed' }, 'finish record executed', /^it had ended$/],
    ['it had failed elsewhere', { ...NOTHING, status: 'failed', elsewhere: 'x' }, 'finish record failed', /had ended/],
    ['it had failed, and runs still', { status: 'failed' }, 'finish record failed', /what is left of it.*is removed/],
    ['it is in the archive', { ...NOTHING, table: 'archive', status: 'failed' }, 'finish record failed', /archive/],
    ['it is in the archive, as running', { ...NOTHING, table: 'archive' }, 'finish record stopped', /archive/],

    ['its status is a riddle', { status: 'bored' }, 'refuse', /nobody knows what its status "bored" means/],
    [
      'its status is a riddle, and nothing is left',
      { ...NOTHING, status: '' },
      'finish record failed',
      /nothing of it/,
    ],

    ['it was taken over', { ours: 'goes on', objects: 0 }, 'skip', /^THE RECORD$/],
    ['it was taken over, and somebody put something back', { ours: 'goes on' }, 'skip', /^THE RECORD$/],
    ['it was taken over and has ended', { ours: 'over', objects: 0 }, 'skip', /^THE RECORD$/],
    ['it has ended while it was taken over', { ours: 'over' }, 'finish clear', /THE RECORD, but 6 of its objects/],
    ['it was forgotten', { ...NOTHING, ours: 'forgotten' }, 'skip', /^THE RECORD$/],
    ['it was forgotten, and runs', { ours: 'forgotten' }, 'refuse', /THE RECORD, but 6 .* remove them by hand/],
    ['another run of it lives here', { ours: 'another lives' }, 'refuse', /THE RECORD: stop one of the two/],
    ['another run of it lives here alone', { ...NOTHING, ours: 'another lives' }, 'skip', /THE RECORD, and nothing/],
    ['another run of it has ended here', { ours: 'another ended' }, 'adopt executing', /^it runs$/],
  ]
  test.each(rows)('%s', (_, changes, expected, reason) => {
    const decision = decideTakeover(facts(changes))
    expect(short(decision)).toBe(expected)
    expect(decision.reason).toMatch(reason)
  })

  const flat = <T, U>(some: readonly T[], others: readonly U[]) =>
    some.flatMap((one) => others.map((other) => ({ ...one, ...other })))
  const all = [
    OURS.map((ours) => ({ ours })),
    ['executing', 'failed', 'stopping', 'bored'].map((status) => ({ status })),
    (['analysis', 'archive'] as const).map((table) => ({ table })),
    [true, false].map((finish) => ({ finish })),
    [0, 6].map((objects) => ({ objects, deployment: objects > 0 })),
  ].reduce<Partial<CaseFacts>[]>((sofar, more) => flat(sofar, more as Partial<CaseFacts>[]), [{}])

  test('whatever the facts are, there is a decision, and a live one of ours is never touched', () => {
    expect(all.length).toBeGreaterThan(200)
    for (const changes of all) {
      const { kind, reason } = decideTakeover(facts(changes))
      expect(reason).not.toBe('')
      if (changes.ours === 'goes on' || changes.ours === 'another lives') expect(kind).toMatch(/skip|refuse/)
    }
  })
})

describe('what the rows say', () => {
  const ID = '0b9f0f43-5c8e-4d0b-8e4c-7d0f3f8f2a10'
  const row = (deployment: string, changes: Partial<FormerRow> = {}): FormerRow => ({
    table: 'analysis',
    key: 1,
    deployment,
    analysisId: ID,
    projectId: ID,
    registryUrl: '',
    image: 'x',
    status: 'executing',
    progress: 0,
    namespace: 'flame',
    createdAt: null,
    kong: 'given',
    ...changes,
  })
  const runsOf = (...rows: FormerRow[]) =>
    formersOf(rows).readable.map(({ id, runs }) => [id, ...runs.map(({ run, row }) => `${run} ${row.deployment}`)])

  test.each([
    ['analysis-x-7', 7],
    ['analysis-x-10', 10],
    ['analysis-x-0', 1],
    ['analysis-x', 1],
    ['', 1],
    ['analysis-x-123456789', 123_456_789],
    ['analysis-x-1234567890', 1],
  ])('%s is of run %i', (name, run) => expect(runsOf(row(name))).toEqual([[ID, `${run} ${name}`]]))

  test('restarts of an analysis are its runs, in order of their numbers', () => {
    expect(runsOf(row('a-10'), row('a-2'), row('a-9'))).toEqual([[ID, '2 a-2', '9 a-9', '10 a-10']])
  })
  test('of two rows with one number the later one counts', () => {
    expect(runsOf(row('a-0'), row('a-1'))).toEqual([[ID, '1 a-1']])
  })
  test('spellings of an id are one analysis', () => {
    const other = row('b-2', { analysisId: ID.replaceAll('-', '').toUpperCase() })
    expect(runsOf(row('a-1'), other)).toEqual([[ID, '1 a-1', '2 b-2']])
  })
  test('rows of the archive are by themselves, and come first', () => {
    const archived = (name: string) => row(name, { table: 'archive' })
    expect(runsOf(row('a-3'), archived('a-1'), archived('a-2'))).toEqual([
      [ID, '1 a-1'],
      [ID, '2 a-2'],
      [ID, '3 a-3'],
    ])
  })
  test('rows without a UUID cannot be recorded', () => {
    const odd = row('a-1', { analysisId: 'my analysis' })
    expect(formersOf([odd, row('b-1')])).toMatchObject({ unreadable: [odd], readable: [{ id: ID }] })
  })
})

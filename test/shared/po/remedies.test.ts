/**
 * A table of faults, each repeated by every run until the loop gives the analysis up or the fault is over. It checks that the
 * loop finds the cause, and compares the pod-minutes of runs that led to nothing with ten restarts for every fault.
 */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { create } from '../../../shared/po/create.ts'
import type { HubStatus, RunFault } from '../../../shared/po/model.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { request, startFixture } from './fixture.ts'
import type { Look } from './pods-by-hand.ts'
import { ticking } from './ticking.ts'

const fixture = await startFixture()
const { hub } = fixture
const { pods, pass, rowOf, reset } = ticking(fixture)
afterAll(() => fixture.stop())
afterEach(reset)

const INTERVAL = fixture.ports.settings.intervalSeconds
/** Restarts and seconds before each, for every fault alike. */
const BLIND = { restarts: 10, backoff: [0, 5, 10, 20, 40, 60, 60, 60, 60, 60] }

interface Behaviour {
  readonly look?: Look
  readonly answer?: SdkStatus
  /** Last line of its output. */
  readonly line?: string
  readonly tokenSeconds?: number
}

interface Scenario {
  readonly name: string
  readonly fault: RunFault
  /** What run `n` does, `seconds` after the create, with so many new tokens. */
  readonly behaves: (n: number, seconds: number, tokens: number) => Behaviour
  readonly partner?: (seconds: number) => HubStatus | null
  readonly ends: 'failed' | 'executing'
  /** Seconds after which a run shows its fault. */
  readonly after?: number
  /** Most runs that it takes. */
  readonly runs: number
}

const ends = (reason: string, exitCode: number): Look => ({ terminated: { reason, exitCode } })
const waits = (reason: string): Look => ({ waiting: { reason, message: 'says the kubelet' } })

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'an image that does not exist',
    fault: 'imagePull',
    behaves: () => ({ look: waits('ErrImagePull') }),
    ends: 'failed',
    runs: 1,
  },
  {
    name: 'an image that is pushed after two minutes',
    fault: 'imagePull',
    behaves: (_, seconds) => (seconds < 120 ? { look: waits('ImagePullBackOff') } : { answer: 'executing' }),
    ends: 'executing',
    runs: 1,
  },
  {
    name: 'a malformed image name',
    fault: 'imageName',
    behaves: () => ({ look: waits('InvalidImageName') }),
    ends: 'failed',
    runs: 1,
  },
  {
    name: 'a Secret that is missing',
    fault: 'configuration',
    behaves: () => ({ look: waits('CreateContainerConfigError') }),
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'a Secret that comes back',
    fault: 'configuration',
    behaves: (n) => (n === 1 ? { look: waits('CreateContainerConfigError') } : { answer: 'executing' }),
    ends: 'executing',
    runs: 2,
  },
  {
    name: 'a model that needs too much memory',
    fault: 'outOfMemory',
    behaves: () => ({ look: ends('OOMKilled', 137) }),
    after: 50,
    ends: 'failed',
    runs: 1,
  },
  {
    name: 'a crash at import',
    fault: 'exit',
    behaves: () => ({ look: ends('Error', 1), line: "ModuleNotFoundError: No module named 'pandas'" }),
    after: 10,
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'a crash whose line has the time in it',
    fault: 'exit',
    behaves: (n) => ({ look: ends('Error', 3), line: `2026-11-29 04:0${n}:01,5 ERROR no column "age"` }),
    after: 30,
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'a crash that another attempt avoids',
    fault: 'exit',
    behaves: (n) => (n < 3 ? { look: ends('Error', n), line: `broken pipe in step ${n}` } : { answer: 'executing' }),
    after: 10,
    ends: 'executing',
    runs: 3,
  },
  {
    name: 'a program that ends with 0 and says nothing',
    fault: 'exit',
    behaves: () => ({ look: ends('Completed', 0), line: 'done' }),
    after: 20,
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'a crash loop',
    fault: 'exit',
    behaves: () => ({
      look: { waiting: { reason: 'CrashLoopBackOff' }, lastTerminated: { reason: 'Error', exitCode: 2 } },
      line: 'usage: run.py FILE',
    }),
    after: 10,
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'an analysis that reports that it failed',
    fault: 'reported',
    behaves: () => ({ answer: 'failed', line: 'KeyError: 3' }),
    after: 20,
    ends: 'failed',
    runs: 2,
  },
  {
    name: 'a node without disk',
    fault: 'evicted',
    behaves: (n) => (n === 1 ? { look: { phase: 'Failed', reason: 'Evicted' } } : { answer: 'executing' }),
    after: 20,
    ends: 'executing',
    runs: 2,
  },
  {
    name: 'a token that expired while the node was off',
    fault: 'token',
    behaves: (_, seconds, tokens) => {
      if (tokens === 0) return { answer: 'stuck', tokenSeconds: 0 }
      return { answer: seconds < 50 ? 'stuck' : 'executing' }
    },
    ends: 'executing',
    runs: 1,
  },
  {
    name: 'a partner that starts after forty minutes',
    fault: 'partner',
    behaves: (n) => ({ answer: n === 1 ? 'stuck' : 'executing' }),
    partner: (seconds) => (seconds < 2400 ? null : 'started'),
    ends: 'executing',
    runs: 2,
  },
  {
    name: 'a broker that is away for a minute',
    fault: 'connection',
    behaves: (_, seconds) => ({ answer: seconds < 60 ? 'stuck' : 'executing' }),
    ends: 'executing',
    runs: 6,
  },
  {
    name: 'a service that is never there',
    fault: 'connection',
    behaves: () => ({ answer: 'stuck' }),
    ends: 'failed',
    runs: 11,
  },
  { name: 'a program that does not serve its API', fault: 'silent', behaves: () => ({}), ends: 'failed', runs: 11 },
]

interface Course {
  readonly outcome: string | undefined
  readonly faults: readonly RunFault[]
  readonly runs: number
  /** Pod-seconds of runs that led to nothing. */
  readonly wasted: number
}

/** Most intervals of one scenario. */
const MOST = 400

/** One analysis with a fault, whose clock begins at its create. */
function patient({ behaves, partner, after = 0 }: Scenario) {
  const wanted = request()
  const { id } = wanted
  const begun = fixture.ports.now().getTime()
  const seconds = () => (fixture.ports.now().getTime() - begun) / 1000
  const node = partner && hub.register(id, 1).partners[0]?.analysisNodeId
  const tokens = () => fixture.heard.filter((one) => one.id === id && one.token !== undefined).length
  let behaviour: Behaviour = {}
  const text = () => (behaviour.line === undefined ? [] : [`starting\n${behaviour.line}\n`])
  const cluster = { ...fixture.ports.cluster, log: async () => ({ text: text(), leftOut: 0 }) }

  return {
    wanted,
    seconds,
    ports: { ...fixture.ports, cluster } satisfies PoPorts,
    /** Shows what a run does now, `age` seconds after its pod began. */
    async show(run: number, pod: string, age: number): Promise<void> {
      behaviour = age >= after ? behaves(run, seconds(), tokens()) : {}
      const { look = {}, answer, tokenSeconds = 3600 } = behaviour
      await pods.change(pod, look)
      if (answer) fixture.answers.set(id, answer)
      else fixture.answers.delete(id)
      fixture.tokensLast.set(id, tokenSeconds)
    },
    showPartner: () => node && hub.setStatus(node, partner?.(seconds()) ?? null),
  }
}

async function playOut(scenario: Scenario): Promise<Course> {
  const { wanted, seconds, ports, show, showPartner } = patient(scenario)
  await create(ports, wanted)
  const faults = new Map<string, RunFault>()
  const runs: { readonly run: number; readonly pod: string; readonly since: number; until: number }[] = []
  let row = await rowOf(wanted)
  for (let n = 0; n < MOST && row && !['failed', 'executing'].includes(row.state); n += 1) {
    showPartner()
    if (row.state === 'started') {
      if (runs.at(-1)?.run !== row.run)
        runs.push({ run: row.run, pod: await pods.start(wanted.id, row.run), since: seconds(), until: 0 })
      const current = runs.at(-1) as (typeof runs)[number]
      current.until = seconds() + INTERVAL
      await show(current.run, current.pod, seconds() - current.since)
    }
    await pass(1, ports)
    row = await rowOf(wanted)
    if (row?.lastFault) faults.set(`${row.lastFault.run} ${row.lastFault.fault}`, row.lastFault.fault)
  }
  const lost = row?.state === 'executing' ? runs.slice(0, -1) : runs
  const wasted = lost.reduce((sum, { since, until }) => sum + until - since, 0)
  return { outcome: row?.state, faults: [...faults.values()], runs: runs.length, wasted }
}

/** Pod-seconds of a loop that answers each fault by a restart, ten times at most. */
function blindly({ behaves, partner, after = 0, fault }: Scenario): number {
  let [seconds, wasted] = [0, 0]
  for (let n = 1; n <= BLIND.restarts + 1; n += 1) {
    const shown = fault === 'silent' ? fixture.ports.settings.budgets.startupSeconds : after
    const until = seconds + Math.ceil(shown / INTERVAL) * INTERVAL + INTERVAL
    const waiting = partner !== undefined && partner(until) === null
    if (behaves(n, until, 0).answer === 'executing' && !waiting) return wasted
    wasted += until - seconds
    seconds = until + INTERVAL + (BLIND.backoff[n - 1] ?? 0)
  }
  return wasted
}

const minutes = (seconds: number): string => (seconds / 60).toFixed(1).padStart(6)

describe('faults, each found and answered', () => {
  const rows: { scenario: Scenario; course: Course; blind: number }[] = []

  test.each(SCENARIOS)('$name', async (scenario) => {
    const course = await playOut(scenario)
    rows.push({ scenario, course, blind: blindly(scenario) })
    expect(course).toMatchObject({ outcome: scenario.ends })
    expect(course.runs).toBeLessThanOrEqual(scenario.runs)
  })

  test('at least 95 % of the causes are right, and fewer pod-minutes are wasted than by ten restarts', () => {
    expect(rows).toHaveLength(SCENARIOS.length)
    for (const { scenario, course, blind } of rows)
      console.log(
        `${scenario.name.padEnd(44)} ${scenario.fault.padEnd(13)} ${String(course.runs).padStart(2)} runs, wasted pod-minutes ${minutes(course.wasted)}, with ten restarts ${minutes(blind)}`,
      )
    const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
    const [ours, blind] = [sum(({ course }) => course.wasted), sum((row) => row.blind)]
    console.log(
      `${'all'.padEnd(44)} ${''.padEnd(13)} ${minutes(ours)} of ${minutes(blind)} (${(ours / blind).toFixed(2)})`,
    )
    const named = rows.filter(({ scenario, course }) => course.faults.every((fault) => fault === scenario.fault))
    // A fault that passes without an action leaves no record.
    const isRight = named.filter(({ scenario, course }) => course.faults.length > 0 || scenario.ends === 'executing')
    expect(isRight.length / rows.length).toBeGreaterThanOrEqual(0.95)
    expect(ours / blind).toBeLessThan(0.6)
  })
})

/** The tables, cell by cell. */

import { describe, expect, test } from 'vitest'
import { admit, cannotStart, judge, observeGone, observePod, statusWord } from '../../../shared/dt/lifecycle.ts'
import { type Manifest, PHASES, type Phase, type Run } from '../../../shared/dt/model.ts'
import { CONTAINER } from '../../../shared/dt/names.ts'
import type { DtContainerFacts, DtPodFacts, JobFacts, Termination } from '../../../shared/dt/ports/cluster.ts'
import { describeExit } from '../../../shared/platform/container-reasons.ts'

const BUDGET_S = 900
const NOW = new Date('2026-01-05T08:00:00Z')
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000)

const container = (fields: Partial<DtContainerFacts> = {}): DtContainerFacts => ({
  name: CONTAINER.main,
  running: false,
  startedAt: null,
  waiting: null,
  terminated: null,
  ...fields,
})
const end = (exitCode: number, seconds = 5, fields: Partial<Termination> = {}): Termination => ({
  reason: exitCode === 0 ? 'Completed' : 'Error',
  exitCode,
  message: '',
  startedAt: ago(60),
  endedAt: ago(seconds),
  ...fields,
})
const pod = (fields: Partial<DtPodFacts> = {}): DtPodFacts => ({
  name: 'p',
  labels: {},
  annotations: {},
  phase: 'Running',
  reason: null,
  message: null,
  ready: false,
  deleting: false,
  createdAt: ago(100),
  takenAt: ago(99),
  unschedulable: null,
  containers: [container()],
  initContainers: [],
  ...fields,
})
const ended = (phase: string, termination: Termination) =>
  pod({ phase, containers: [container({ terminated: termination })] })
const manifest = (state: Manifest['state'], reason: string | null = null): Manifest => ({
  firing: 0,
  index: 0,
  attempt: 0,
  state,
  reason,
  files: 1,
})

describe('a pod', () => {
  test.each<[string, DtPodFacts, Manifest | undefined, string, RegExp | null]>([
    ['that waits', pod({ phase: 'Pending' }), undefined, 'pending', null],
    ['without a place', pod({ phase: 'Pending', unschedulable: '0/3 nodes' }), undefined, 'pending', /no node.*0\/3/],
    [
      'whose image is not there',
      pod({ phase: 'Pending', containers: [container({ waiting: { reason: 'ErrImagePull', message: 'no such' } })] }),
      undefined,
      'pending',
      /image cannot be pulled \(ErrImagePull\): no such/,
    ],
    ['that runs', pod({ containers: [container({ running: true, startedAt: ago(3) })] }), undefined, 'running', null],
    ['that sends outputs', ended('Running', end(0)), undefined, 'finishing', /outputs are being stored/],
    ['that sends outputs after a failure', ended('Running', end(1)), manifest('open'), 'finishing', /outputs/],
    ['that has sent all', ended('Running', end(0)), manifest('complete'), 'succeeded', null],
    ['whose last request may be under way', ended('Succeeded', end(0, 5)), manifest('open'), 'finishing', null],
    ['that said nothing for long', ended('Succeeded', end(0, 60)), undefined, 'failed', /without saying/],
    [
      'that did not end saying it',
      ended('Succeeded', end(0, 60)),
      manifest('open'),
      'failed',
      /before all its outputs/,
    ],
    [
      'with too much',
      ended('Succeeded', end(0)),
      manifest('incomplete', 'too large'),
      'failed',
      /incomplete: too large/,
    ],
    ['that failed', ended('Failed', end(3)), manifest('complete'), 'failed', /exit code 3/],
    ['that failed with words', ended('Failed', end(3, 5, { message: 'no beds' })), undefined, 'failed', /3: no beds/],
    ['that took too much memory', ended('Failed', end(137, 5, { reason: 'OOMKilled' })), undefined, 'failed', /memory/],
    [
      'that was evicted',
      pod({ phase: 'Failed', reason: 'Evicted', message: 'disk' }),
      undefined,
      'failed',
      /Evicted.*disk/,
    ],
    [
      'without its inputs',
      pod({
        phase: 'Failed',
        initContainers: [container({ name: CONTAINER.inputs, terminated: end(1, 5, { message: 'no file x' }) })],
      }),
      undefined,
      'failed',
      /inputs could not be fetched: no file x/,
    ],
  ])('%s', (_, facts, said, phase, reason) => {
    const observed = observePod(facts, CONTAINER, said, NOW)
    expect(observed.phase).toBe(phase)
    if (reason) expect(observed.reason).toMatch(reason)
    if (phase === 'failed' || phase === 'succeeded') expect(observed.endedAt).not.toBeNull()
    else expect(observed.endedAt).toBeNull()
  })

  test('an end has words', () => expect(describeExit({ reason: 'Error', exitCode: 7 })).toContain('7'))
})

const job = (fields: Partial<JobFacts> = {}): JobFacts => ({
  name: 'j',
  uid: 'u',
  labels: {},
  createdAt: ago(10),
  deleting: false,
  suspended: false,
  completions: 2,
  parallelism: 2,
  active: 0,
  succeeded: 0,
  failed: 0,
  ttlSeconds: null,
  completedIndexes: [],
  failedIndexes: [],
  ended: null,
  ...fields,
})
const run = (index: number, phase: Run['phase'], attempt = 0): Run => ({
  firing: 0,
  index,
  attempt,
  pod: 'p',
  phase,
  exitCode: null,
  reason: phase === 'failed' ? 'it broke' : null,
  startedAt: null,
  endedAt: null,
  logTail: null,
})
const FAILED = { outcome: 'failed', reason: 'FailedIndexes' } as const
const COMPLETE = { outcome: 'complete', reason: '' } as const

describe('a run whose pod is gone', () => {
  test.each<[string, JobFacts | undefined, Manifest | undefined, string]>([
    ['and that its Job completed, outputs stored', job({ completedIndexes: [0] }), manifest('complete'), 'succeeded'],
    ['and that its Job completed, nothing said', job({ completedIndexes: [0] }), undefined, 'failed'],
    ['before its Job completed it', job(), manifest('open'), 'failed'],
    ['with its Job', undefined, undefined, 'failed'],
  ])('%s', (_, facts, said, phase) => {
    expect(observeGone(run(0, 'running'), facts, said, NOW).phase).toBe(phase)
  })
})

describe('a firing of two runs', () => {
  test.each<[string, Run[], JobFacts | undefined, [number, number, number], boolean]>([
    ['without pods', [], job(), [0, 0, 0], false],
    ['both run', [run(0, 'running'), run(1, 'pending')], job(), [2, 0, 0], false],
    ['between waves', [run(0, 'succeeded')], job({ completedIndexes: [0] }), [0, 1, 0], false],
    ['both succeeded', [run(0, 'succeeded'), run(1, 'succeeded')], job(), [0, 2, 0], true],
    ['one is tried again', [run(0, 'failed'), run(1, 'succeeded')], job({ completedIndexes: [1] }), [1, 1, 0], false],
    ['tried again and done', [run(0, 'failed'), run(0, 'succeeded', 1), run(1, 'succeeded')], job(), [0, 2, 0], true],
    ['one is given up', [run(0, 'failed'), run(1, 'running')], job({ failedIndexes: [0] }), [1, 0, 1], false],
    [
      'one has no manifest',
      [run(0, 'failed'), run(1, 'succeeded')],
      job({ completedIndexes: [0, 1] }),
      [0, 1, 1],
      true,
    ],
    ['one never had a pod', [run(0, 'succeeded')], job({ ended: FAILED }), [0, 1, 1], true],
    ['its Job is over', [run(0, 'failed'), run(1, 'succeeded')], job({ ended: COMPLETE }), [0, 1, 1], true],
    ['its Job is gone', [run(0, 'succeeded')], undefined, [0, 1, 1], true],
    ['its Job is gone, all done', [run(0, 'succeeded'), run(1, 'succeeded')], undefined, [0, 2, 0], true],
    [
      'and a fan-in, which does not count',
      [run(0, 'succeeded'), run(1, 'succeeded'), run(2, 'failed')],
      job(),
      [0, 2, 0],
      true,
    ],
  ])('%s', (_, runs, facts, [active, succeeded, failed], isOver) => {
    const state = judge(runs, 2, facts)
    expect(state.counts).toEqual({ active, succeeded, failed })
    expect(state.isOver).toBe(isOver)
    expect(state.reason === null).toBe(failed === 0)
  })
})

describe('pods of a Job that cannot start', () => {
  const waits = (reason: string, seconds: number, fields: Partial<DtPodFacts> = {}) => {
    const waiting = { reason, message: '' }
    return pod({ phase: 'Pending', takenAt: ago(seconds), containers: [container({ waiting })], ...fields })
  }
  const [short, long] = [BUDGET_S, BUDGET_S + 1]
  test.each<[string, DtPodFacts[], boolean]>([
    ['none', [], false],
    ['without its image for long', [waits('ImagePullBackOff', long)], true],
    ['without its image for a while', [waits('ImagePullBackOff', short)], false],
    ['all of them', [waits('ErrImagePull', long), waits('InvalidImageName', long)], true],
    ['but one that waits less long', [waits('ErrImagePull', long), waits('ErrImagePull', short)], false],
    ['but one that runs', [waits('ErrImagePull', long), pod({ containers: [container({ running: true })] })], false],
    ['beside one that is over', [waits('ErrImagePull', long), ended('Failed', end(1))], true],
    ['and those that go already', [waits('ErrImagePull', long, { deleting: true })], false],
    ['being pulled, however long', [waits('ContainerCreating', 10 * long)], false],
    ['without a node, however long', [pod({ phase: 'Pending', takenAt: null, unschedulable: '0/3 nodes' })], false],
    [
      'for want of our own program',
      [
        waits('PodInitializing', long, {
          initContainers: [container({ waiting: { reason: 'ErrImagePull', message: '' } })],
        }),
      ],
      true,
    ],
  ])('%s', (_, pods, expected) => expect(cannotStart(pods, NOW, BUDGET_S * 1000)).toBe(expected))

  test('a run that never began is remembered by why, one that had begun is not', () => {
    const reason = 'its image cannot be pulled (ImagePullBackOff)'
    const gone = (phase: Run['phase']) => observeGone({ ...run(0, phase), reason }, job(), undefined, NOW).reason
    expect(gone('pending')).toBe(`it never began: ${reason}`)
    expect(gone('running')).toBe('its pod was deleted')
  })
})

describe('the word for', () => {
  const words: Record<Phase, [string, string]> = {
    launching: ['running', 'running'],
    pending: ['running', 'running'],
    queued: ['running', 'running'],
    running: ['running', 'running'],
    scheduled: ['ok', 'error'],
    serving: ['running', 'error'],
    succeeded: ['ok', 'ok'],
    failed: ['error', 'error'],
    terminated: ['error', 'error'],
    removing: ['error', 'error'],
  }
  test.each(PHASES)('%s', (phase) => {
    const counts = { active: 0, succeeded: 1, failed: 0 }
    expect([null, 'x'].map((reason) => statusWord({ phase, reason, counts }))).toEqual(words[phase])
  })
  test('scheduled that never fired', () => {
    const counts = { active: 0, succeeded: 0, failed: 0 }
    expect(statusWord({ phase: 'scheduled', reason: null, counts })).toBe('running')
  })
})

describe('of Jobs that wait', () => {
  const waiting = (name: string, parallelism: number, seconds: number) =>
    job({ name, parallelism, completions: 10, suspended: true, createdAt: ago(seconds) })
  const going = (parallelism: number) => job({ name: 'going', parallelism, completions: 10 })
  const names = (jobs: JobFacts[], maxRuns: number) => admit(jobs, maxRuns).map(({ name }) => name)
  test('all may go on where there is no limit', () =>
    expect(names([waiting('a', 3, 1), waiting('b', 3, 2)], 0)).toEqual(['b', 'a']))
  test('the oldest go first, as long as there is room', () =>
    expect(names([waiting('c', 2, 1), waiting('b', 2, 2), waiting('a', 2, 3)], 4)).toEqual(['a', 'b']))
  test('none overtakes a wider one', () =>
    expect(names([going(2), waiting('a', 3, 3), waiting('b', 1, 1)], 4)).toEqual([]))
  test('one that is too wide runs alone', () =>
    expect(names([waiting('a', 9, 3), waiting('b', 1, 1)], 4)).toEqual(['a']))
  test('what has ended takes no room', () =>
    expect(names([job({ parallelism: 3, ended: COMPLETE }), waiting('a', 3, 1)], 3)).toEqual(['a']))
  test('what is left of a Job is what counts', () =>
    expect(names([job({ parallelism: 3, completions: 3, succeeded: 2 }), waiting('a', 2, 1)], 3)).toEqual(['a']))
})

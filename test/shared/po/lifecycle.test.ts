import { describe, expect, test } from 'vitest'
import {
  classify,
  describeTermination,
  type Facts,
  OBSERVATIONS,
  type ObservationKind,
} from '../../../shared/po/classify.ts'
import { type Action, type DECISIONS, decide, WORDS } from '../../../shared/po/lifecycle.ts'
import { HUB_STATUSES, RUN_FAULTS, type RunFault, STATES, STATUS_WORDS } from '../../../shared/po/model.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import type { PoContainerFacts, PoPodFacts } from '../../../shared/po/ports/cluster.ts'

const BUDGETS = { startupSeconds: 60, silenceSeconds: 30, pullSeconds: 900, partnerSeconds: 86_400 }
const NAME = 'analysis-x-1'

const container = (facts: Partial<PoContainerFacts> = {}): PoContainerFacts => ({
  name: NAME,
  imageDigest: null,
  ready: true,
  restarts: 0,
  running: true,
  waiting: null,
  terminated: null,
  lastTerminated: null,
  ...facts,
})

const pod = (main: Partial<PoContainerFacts> = {}, facts: Partial<PoPodFacts> = {}): PoPodFacts => ({
  name: `${NAME}-5d9c-x2x`,
  labels: {},
  phase: 'Running',
  reason: null,
  message: null,
  ip: '127.0.0.1',
  ready: true,
  deleting: false,
  createdAt: new Date(0),
  unschedulable: null,
  proof: null,
  proofWaiting: null,
  containers: [container(main)],
  ...facts,
})

const facts = (changes: Partial<Facts> = {}): Facts => ({
  recorded: 'started',
  pods: [pod()],
  proxyReady: true,
  deploymentExists: true,
  adopted: false,
  container: NAME,
  answered: undefined,
  tokenRemaining: 3600,
  partners: {},
  tokenRenewedSeconds: null,
  memoryLimit: '512Mi',
  silentPolls: 1,
  silentSeconds: 0,
  ageSeconds: 5,
  ...changes,
})

const OPEN = JSON.stringify({
  ...{ proven: false, ms: 1, waitedMs: 1, closed: [], open: ['a', 'b', 'c', 'd'], works: [], fails: [] },
})

const waiting = (reason: string, message = '') => ({ running: false, ready: false, waiting: { reason, message } })
const ended = (reason: string, exitCode: number) => ({
  running: false,
  terminated: { reason, exitCode, message: '' },
})

describe('classify', () => {
  const rows: [string, Partial<Facts>, ObservationKind, string | RegExp, RunFault?][] = [
    ['it says executing', { answered: 'executing' }, 'executing', /is executing/],
    ['it says executed', { answered: 'executed' }, 'executed', /has finished/],
    ['it says stuck', { answered: 'stuck' }, 'stuck', /could not connect/, 'connection'],
    [
      'it says stuck with an expired token',
      { answered: 'stuck', tokenRemaining: 0 },
      'stuck',
      /token of the analysis has expired/,
      'token',
    ],
    [
      'it says stuck a moment after its token was renewed',
      { answered: 'stuck', tokenRemaining: 300, tokenRenewedSeconds: 59 },
      'pending',
      /has got a new token/,
    ],
    [
      'it says stuck with an expired token although it was renewed',
      { answered: 'stuck', tokenRemaining: 0, tokenRenewedSeconds: 60 },
      'stuck',
      /could not connect/,
      'connection',
    ],
    [
      'it says stuck, and partners have not started',
      { answered: 'stuck', partners: { 'node-b': null, 'node-c': 'executing', 'node-d': 'starting' } },
      'stuck',
      /waits for partners that have not started: node-b, node-d$/,
      'partner',
    ],
    [
      'it says stuck, and many partners have not started',
      { answered: 'stuck', partners: { a: null, b: null, c: null, d: null } },
      'stuck',
      /: a, b, c, …$/,
      'partner',
    ],
    [
      'it says stuck, and all partners have started or ended',
      { answered: 'stuck', partners: { b: 'started', c: 'failed', d: 'executed' } },
      'stuck',
      /could not connect/,
      'connection',
    ],
    ['it says stopped', { answered: 'stopped' }, 'stopped', /partner/],
    ['it says failed', { answered: 'failed' }, 'failed', /reports that it failed/, 'reported'],
    ['it says starting', { answered: 'starting' }, 'pending', /is starting/],
    ['it says something unknown', { answered: 'unknown' }, 'failed', /does not exist/, 'reported'],
    [
      'image cannot be pulled',
      { pods: [pod(waiting('ErrImagePull', 'not found'))] },
      'pending',
      /pulled.*not found; Kubernetes retries it/,
      'imagePull',
    ],
    ['back-off of a pull', { pods: [pod(waiting('ImagePullBackOff'))] }, 'pending', /ImagePullBackOff/, 'imagePull'],
    [
      'image cannot be pulled within the budget',
      { pods: [pod(waiting('ImagePullBackOff', 'not found'))], ageSeconds: 900 },
      'unstartable',
      /pulled \(ImagePullBackOff\): not found$/,
      'imagePull',
    ],
    [
      'image of a replacement pod cannot be pulled',
      { recorded: 'executing', pods: [pod(waiting('ErrImagePull'))] },
      'unstartable',
      /pulled/,
      'imagePull',
    ],
    [
      'the image of its proof cannot be pulled',
      { pods: [pod(waiting('PodInitializing'), { proofWaiting: { reason: 'ErrImagePull', message: 'no tools' } })] },
      'pending',
      /pulled.*no tools; Kubernetes retries it/,
      'imagePull',
    ],
    [
      'its proof found a way out',
      { pods: [pod(waiting('PodInitializing'), { proof: { exitCode: 1, message: OPEN } })] },
      'unstartable',
      /could reach: a, b, c, …$/,
      'isolation',
    ],
    [
      'its proof was killed',
      { pods: [pod(waiting('PodInitializing'), { proof: { exitCode: 137, message: '' } })] },
      'unstartable',
      /could not be examined: its proof ended with exit code 137/,
      'connection',
    ],
    [
      'its proof succeeded, and its image is being pulled',
      { pods: [pod(waiting('PodInitializing'), { proof: { exitCode: 0, message: '' } })] },
      'pending',
      /PodInitializing/,
    ],
    ['bad image name', { pods: [pod(waiting('InvalidImageName'))] }, 'unstartable', /name of its image/, 'imageName'],
    [
      'bad container configuration',
      { pods: [pod(waiting('CreateContainerConfigError', 'secret "x" not found'))] },
      'unstartable',
      /configuration.*secret/,
      'configuration',
    ],
    ['container being created', { pods: [pod(waiting('ContainerCreating'))] }, 'pending', /ContainerCreating/],
    [
      'no node has room',
      { pods: [pod({ running: false }, { phase: 'Pending', unschedulable: '0/3 nodes' })] },
      'pending',
      /no node.*0\/3/,
    ],
    ['exit 0 without executed', { pods: [pod(ended('Completed', 0))] }, 'failed', /code 0 without/, 'exit'],
    ['crash', { pods: [pod(ended('Error', 3))] }, 'failed', /exit code 3/, 'exit'],
    [
      'out of memory',
      { pods: [pod(ended('OOMKilled', 137))] },
      'failed',
      /limit of 512Mi .* ANALYSIS_MEMORY_LIMIT=1024Mi$/,
      'outOfMemory',
    ],
    [
      'crash loop',
      {
        pods: [pod({ ...waiting('CrashLoopBackOff'), lastTerminated: { reason: 'Error', exitCode: 1, message: '' } })],
      },
      'failed',
      /exit code 1/,
      'exit',
    ],
    [
      'crash loop after OOM',
      {
        pods: [
          pod({ ...waiting('CrashLoopBackOff'), lastTerminated: { reason: 'OOMKilled', exitCode: 137, message: '' } }),
        ],
      },
      'failed',
      /memory/,
      'outOfMemory',
    ],
    [
      'evicted',
      { pods: [pod({ running: false }, { phase: 'Failed', reason: 'Evicted', message: 'low on disk' })] },
      'failed',
      /Evicted.*low on disk/,
      'evicted',
    ],
    [
      'evicted, a new pod is there',
      { answered: 'executing', pods: [pod({}, { phase: 'Failed', reason: 'Evicted' }), pod()] },
      'executing',
      /executing/,
    ],
    [
      'container started again while executing',
      {
        recorded: 'executing',
        answered: 'executing',
        pods: [pod({ restarts: 1, lastTerminated: { reason: 'Error', exitCode: 9, message: '' } })],
      },
      'failed',
      /started again.*exit code 9/,
      'exit',
    ],
    [
      'container started again before executing',
      { answered: 'executing', pods: [pod({ restarts: 1 })] },
      'executing',
      /executing/,
    ],
    ['no pod yet', { pods: [] }, 'pending', /pod is not there yet/],
    ['no Deployment', { deploymentExists: false, pods: [] }, 'gone', /Deployment was deleted/],
    ['pod deleted while executing', { recorded: 'executing', pods: [] }, 'gone', /pod was deleted/],
    [
      'Deployment deleted while executing',
      { recorded: 'executing', deploymentExists: false, pods: [] },
      'gone',
      /Deployment was deleted/,
    ],
    [
      'quiet within its budget',
      { silentPolls: 9, silentSeconds: 59, ageSeconds: 59 },
      'pending',
      /does not answer yet/,
    ],
    [
      'quiet beyond its budget',
      { silentPolls: 9, silentSeconds: 61, ageSeconds: 61 },
      'silent',
      /61 s \(budget 60 s\)/,
      'silent',
    ],
    ['two failed polls are no silence', { silentPolls: 2, silentSeconds: 500, ageSeconds: 500 }, 'pending', /yet/],
    [
      'executing counts by its own budget',
      { recorded: 'executing', silentPolls: 3, silentSeconds: 31, ageSeconds: 900 },
      'silent',
      /budget 30 s/,
      'silent',
    ],
    ['a young run is not silent', { silentPolls: 5, silentSeconds: 70, ageSeconds: 10 }, 'pending', /yet/],
    ['taken over, and its pod is there', { adopted: true, answered: 'executing' }, 'executing', /executing/],
    [
      'taken over, and a pod that nobody knows answers in the place of the one that is gone',
      { adopted: true, recorded: 'executing', answered: 'executing', pods: [] },
      'gone',
      /pod that was taken over is gone/,
    ],
    ['taken over, and gone before it was heard of', { adopted: true, pods: [] }, 'gone', /taken over is gone/],
    [
      'taken over, and its pod was evicted',
      {
        adopted: true,
        recorded: 'executing',
        answered: 'executing',
        pods: [pod({}, { phase: 'Failed', reason: 'Evicted' })],
      },
      'failed',
      /ended by Kubernetes \(Evicted\)/,
      'evicted',
    ],
    [
      'proxy down',
      { proxyReady: false, silentPolls: 5, silentSeconds: 70, ageSeconds: 70 },
      'silent',
      /egress proxy/,
      'silent',
    ],
  ]
  test.each(rows)('%s', (_, changes, kind, cause, fault) => {
    const { exitCode: _code, ...observation } = classify(facts(changes), BUDGETS)
    expect(observation).toEqual({ kind, cause: expect.stringMatching(cause), ...(fault ? { fault } : {}) })
  })

  test('the exit code of a container that ended is part of the observation', () => {
    expect(classify(facts({ pods: [pod(ended('Error', 3))] }), BUDGETS)).toMatchObject({ exitCode: 3 })
    expect(classify(facts({ pods: [pod(ended('OOMKilled', 137))] }), BUDGETS)).toMatchObject({ exitCode: 137 })
  })

  test('the end of a container has words for each case', () => {
    expect(describeTermination({ reason: 'Completed', exitCode: 0, message: '' })).toContain('without reporting')
    expect(describeTermination({ reason: 'Error', exitCode: 137, message: '' })).toBe(
      'its process ended with exit code 137',
    )
  })

  test('a long message of Kubernetes is cut', () => {
    const observation = classify(facts({ pods: [pod(waiting('ErrImagePull', 'x'.repeat(5000)))] }), BUDGETS)
    expect(observation.cause.length).toBeLessThan(400)
  })
})

describe('decide', () => {
  const policy = { restarts: 0, restartMax: 10, reapplied: false }
  // Written out, so that no change of the table goes unnoticed: one row per recorded state.
  const expected: Record<keyof typeof DECISIONS, Record<ObservationKind, Action>> = {
    starting: {
      pending: 'resume',
      silent: 'undo',
      unstartable: 'restart',
      executing: 'markExecuting',
      stuck: 'restart',
      failed: 'restart',
      stopped: 'finishStopped',
      executed: 'finishExecuted',
      gone: 'resume',
    },
    started: {
      pending: 'wait',
      silent: 'restart',
      unstartable: 'restart',
      executing: 'markExecuting',
      stuck: 'restart',
      failed: 'restart',
      stopped: 'finishStopped',
      executed: 'finishExecuted',
      gone: 'reapply',
    },
    executing: {
      pending: 'wait',
      silent: 'finishFailed',
      unstartable: 'finishFailed',
      executing: 'none',
      stuck: 'restart',
      failed: 'finishFailed',
      stopped: 'finishStopped',
      executed: 'finishExecuted',
      gone: 'reapply',
    },
  }
  const states = Object.keys(expected) as (keyof typeof DECISIONS)[]
  const cells = states.flatMap((state) => OBSERVATIONS.map((kind) => [state, kind, expected[state][kind]] as const))

  test.each(cells)('%s × %s → %s', (state, kind, action) => {
    expect(decide(state, { kind, cause: 'because' }, policy)).toEqual({ action, reason: 'because' })
  })

  test.each(cells.filter(([, , action]) => action === 'restart'))(
    '%s × %s with the budget spent → finishFailed',
    (state, kind) => {
      const verdict = decide(state, { kind, cause: 'because' }, { ...policy, restarts: 10 })
      expect(verdict).toEqual({ action: 'finishFailed', reason: '10 of 10 restarts are used up; last cause: because' })
    },
  )

  const CURES: Record<RunFault, Action> = {
    imagePull: 'finishFailed',
    imageName: 'finishFailed',
    isolation: 'finishFailed',
    configuration: 'restart',
    outOfMemory: 'finishFailed',
    exit: 'restart',
    reported: 'restart',
    evicted: 'restart',
    token: 'renewToken',
    partner: 'restart',
    connection: 'restart',
    silent: 'restart',
  }
  test.each(RUN_FAULTS.map((fault) => [fault, CURES[fault]] as const))(
    'the fault %s instead of a restart → %s',
    (fault, action) => {
      const observed = { kind: 'failed', cause: 'because', fault } as const
      expect(decide('started', observed, policy)).toEqual({ action, reason: 'because' })
    },
  )

  test('an executing run fails whatever its fault is', () => {
    const observed = { kind: 'failed', cause: 'because', fault: 'evicted' } as const
    expect(decide('executing', observed, policy).action).toBe('finishFailed')
  })

  test('gone a second time while executing → finishFailed', () => {
    const verdict = decide('executing', { kind: 'gone', cause: 'its pod was deleted' }, { ...policy, reapplied: true })
    expect(verdict).toEqual({ action: 'finishFailed', reason: 'its pod was deleted again after it had been put back' })
  })

  test('gone a second time before executing → put back again', () => {
    const verdict = decide('started', { kind: 'gone', cause: 'x' }, { ...policy, reapplied: true })
    expect(verdict.action).toBe('reapply')
  })
})

describe('words', () => {
  test.each(STATES)('%s has a word that clients and the Hub know', (state) => {
    expect(STATUS_WORDS).toContain(WORDS[state].status)
    const { hub } = WORDS[state]
    if (hub !== null) expect(HUB_STATUSES).toContain(hub)
  })
  test('a restart shows as stuck, and the Hub has no word for it', () => {
    expect(WORDS.restarting).toEqual({ status: 'stuck', hub: null })
  })
})

test('every word of the SDK is classified', () => {
  const words: SdkStatus[] = ['executing', 'executed', 'stuck', 'stopped', 'failed', 'starting', 'unknown']
  for (const answered of words) expect(classify(facts({ answered }), BUDGETS).cause).not.toBe('')
})

/**
 * The reconciler as a separate process that is killed by SIGKILL during a sweep over analyses in every state, at five different
 * moments. Another process takes over, and every analysis reaches its expected state.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { recordEnd } from '../../../shared/po/ending.ts'
import type { Analysis, RunNumber } from '../../../shared/po/model.ts'
import { runName } from '../../../shared/po/names.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import { remove } from '../../../shared/po/remove.ts'
import { routes } from '../../../shared/routes/index.ts'
import { type Functions, startFunctions } from '../../sandbox/functions.ts'
import { type Aftermath, aftermath, archived, ended, running } from '../../shared/po/aftermath.ts'
import { request, startFixture } from '../../shared/po/fixture.ts'
import { createPods } from '../../shared/po/pods-by-hand.ts'
import { startSlowApi } from './slow-api.ts'

const MOMENTS = 5
const EACH = 4
const DELAY_MS = 15

const fixture = await startFixture()
const { ports } = fixture
const pods = createPods(fixture.kubernetes)
const api = await startSlowApi(fixture.kubernetes.url, (run) => fixture.answers.get(run))
const env = { ...(await fixture.environment(api.url)), SIDECAR_REACH: 'api', LOG_LEVEL: 'error' }
const route = routes.po.statusReconcile
const start = () => startFunctions({ routes: [route], env })

let survivor: Functions
beforeAll(async () => {
  survivor = await start()
})
afterAll(async () => {
  await survivor.stop()
  await api.stop()
  await fixture.stop()
})

interface Situation {
  readonly prepare: (wanted: CreateRequest) => Promise<unknown>
  readonly result: Aftermath
}

const answering = (status: SdkStatus) => async (wanted: CreateRequest) => {
  await create(ports, wanted)
  await pods.start(wanted.id, 1)
  fixture.answers.set(runName(wanted.id, 1 as RunNumber), status)
}

async function rowOf({ id }: CreateRequest): Promise<Analysis> {
  const row = await ports.store.find(id)
  if (!row) throw new Error(`no row of ${id}`)
  return row
}

const SITUATIONS: Readonly<Record<string, Situation>> = {
  begins: {
    prepare: answering('executing'),
    result: running('executing', 1, { hub: ['started 0', 'executing 0'] }),
  },
  'is stuck': {
    prepare: answering('stuck'),
    result: running('started', 2, { hub: ['started 0'], again: 1, lines: ['ANALYSISSTARTUPERROR'] }),
  },
  'has finished': { prepare: answering('executed'), result: archived({ hub: ['started 0', 'executed 100'] }) },
  fails: {
    prepare: async (wanted) => {
      await answering('failed')(wanted)
      await ports.store.transition((await rowOf(wanted)).key, ['started'], 'executing')
    },
    result: ended('failed', { hub: ['started 0', 'failed 0'], lines: ['ANALYSISFAILED'] }),
  },
  'was stopped': {
    prepare: async (wanted) => {
      await answering('executing')(wanted)
      await recordEnd(ports, await rowOf(wanted), { outcome: 'stopped', cause: 'because', archive: false })
    },
    result: ended('stopped', { hub: ['started 0', 'stopped 0'] }),
  },
  'was half made': {
    prepare: async (wanted) => {
      // The policy of the run, after which it can be completed; a standing one may come before the Secret.
      const doomed = fixture.dying((calls) => {
        const secret = calls.indexOf('cluster.apply Secret')
        return secret >= 0 && calls.indexOf('cluster.apply NetworkPolicy', secret) > secret
      })
      void create(doomed.ports, wanted)
      await doomed.dead
    },
    result: running('started', 1, { hub: ['started 0'] }),
  },
}

type Subject = readonly [situation: string, wanted: CreateRequest]

async function prepareAll(): Promise<Subject[]> {
  const subjects = Object.keys(SITUATIONS).flatMap((name) =>
    Array.from({ length: EACH }, (): Subject => [name, request()]),
  )
  await Promise.all(subjects.map(([name, wanted]) => SITUATIONS[name]?.prepare(wanted)))
  await fixture.lapse()
  return subjects
}

/** A tick as a PingSource sends it; resolves to the status of its answer. */
async function tick(functions: Functions): Promise<number> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-type': 'dev.knative.sources.ping',
    'ce-source': '/apis/v1/namespaces/flame/pingsources/status-loop',
    'ce-id': crypto.randomUUID(),
    'content-type': 'application/json',
  }
  const url = functions.running.get(route.name)?.url ?? ''
  const answer = await fetch(url, { method: 'POST', headers, body: '{}' })
  return answer.status
}

/** Sweeps of the survivor, each after leases and back-offs have expired. */
async function settle() {
  for (let round = 0; round < 6; round += 1) {
    await fixture.lapse()
    expect(await tick(survivor)).toBe(204)
  }
}

/** Each has its expected state; a report of the killed process is repeated at most once. */
async function expectAll(subjects: readonly Subject[], when: string): Promise<void> {
  const found = await Promise.all(subjects.map(async ([name, { id }]) => [name, await aftermath(fixture, id)] as const))
  const wanted = found.map(([name, { again }]) => {
    const result = SITUATIONS[name]?.result
    return [name, { ...result, again: Math.min(again, (result?.again ?? 0) + 1) }]
  })
  expect(found, when).toEqual(wanted)
}

/** Number of requests to Kubernetes of an uninterrupted first sweep. */
let requests = 0

test('uninterrupted sweeps bring each analysis to its expected state', async () => {
  const subjects = await prepareAll()
  api.onRequest = () => {
    requests += 1
  }
  expect(await tick(survivor)).toBe(204)
  api.onRequest = () => {}
  expect(requests).toBeGreaterThan(100)
  await settle()
  await expectAll(subjects, 'never killed')
  await remove(ports, undefined)
})

/** Kills the process after this many requests; resolves when it has exited. */
async function killAfter(victim: Functions, count: number): Promise<void> {
  const { pid = 0 } = victim.running.get(route.name) ?? {}
  const killed = Promise.withResolvers<void>()
  let seen = 0
  api.onRequest = () => {
    seen += 1
    if (seen !== count) return
    process.kill(pid, 'SIGKILL')
    killed.resolve()
  }
  await killed.promise
  api.onRequest = () => {}
}

describe.each(Array.from({ length: MOMENTS }, (_, index) => index))(
  'killed in part %i of five of its sweep',
  (part) => {
    test('another process takes over', async () => {
      const [victim, subjects] = await Promise.all([start(), prepareAll()])
      const moment = Math.max(1, Math.floor(((0.9 * requests) / MOMENTS) * (part + Math.random())))
      api.delayMs = DELAY_MS
      const dead = killAfter(victim, moment)
      const ticking = tick(victim)
      await expect(ticking, 'its sweep was cut off').rejects.toThrow()
      await dead
      await victim.stop()
      api.delayMs = 0
      await settle()
      await expectAll(subjects, `killed at request ${moment} of about ${requests}`)
      await remove(ports, undefined)
    })
  },
)

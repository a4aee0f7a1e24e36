/** The loop with a broker: two reconcilers share the work despite faulty ticks, and every change is published. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { changeType, RECONCILE_TYPE } from '../../shared/po/events.ts'
import { routes } from '../../shared/routes/index.ts'
import type { EventBroker } from './broker/index.ts'
import { createBody } from './examples.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

let sandbox: Sandbox
let folder: string
const bodies = Array.from({ length: 3 }, () => createBody('sandbox/mean-fast:1'))

const broker = (): EventBroker => sandbox.eventBroker ?? expect.unreachable()
const about = (subject: string) => broker().received.filter(({ attributes }) => attributes['subject'] === subject)
const typesOf = (subject: string) => about(subject).map(({ attributes }) => attributes['type'])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'po-fanout-'))
  const tickFaults = { double: 0.3, drop: 0.2, delayMs: [0, 700] as const }
  sandbox = await startSandbox({ folder, intervalSeconds: 1, fanout: true, reconcilers: 2, tickFaults })
  const headers = { authorization: `Bearer ${await sandbox.token()}`, 'content-type': 'application/json' }
  for (const body of bodies) {
    const answer = await fetch(`${sandbox.gateway.url}/po`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(answer.status).toBe(200)
  }
  const ended = () =>
    expect(bodies.filter(({ analysis_id: id }) => !typesOf(id).includes(changeType('executed')))).toEqual([])
  await vi.waitFor(ended, { timeout: 100_000, interval: 200 })
}, 200_000)

afterAll(async () => {
  await sandbox?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('each analysis is asked for by events of its own, and both reconcilers get some', async () => {
  await broker().idle()
  for (const { analysis_id: id } of bodies) expect(typesOf(id)).toContain(RECONCILE_TYPE)
  const attempts = broker().deliveries.flatMap((delivery) => delivery.attempts)
  const urls = sandbox.functions.copiesOf(routes.po.statusReconcile).map(({ url }) => url)
  expect(new Set(attempts.map(({ subscriber }) => subscriber))).toEqual(new Set(urls))
  expect(new Set(broker().deliveries.map(({ outcome }) => outcome))).toEqual(new Set(['delivered']))
})

test('nothing but what the trigger wants reaches them', () => {
  expect(new Set(broker().deliveries.map(({ event }) => event.attributes['type']))).toEqual(new Set([RECONCILE_TYPE]))
})

test.each(bodies)('the changes of $analysis_id are published in order, each with its id', ({ analysis_id: id }) => {
  const changes = about(id).filter(({ attributes }) => attributes['type'] !== RECONCILE_TYPE)
  const ids = [...new Set(changes.map(({ attributes }) => attributes['id'] ?? ''))]
  // It may finish between two observations.
  expect(ids.map((each) => each.split('/').at(-1)).join()).toMatch(/^starting,started,(executing,)?executed$/)
  for (const { attributes, data } of changes) {
    expect(attributes).toMatchObject({ partitionkey: id, source: expect.stringMatching(/^\/namespaces\/.+\/po$/) })
    expect(JSON.parse(data)).toMatchObject({ analysisId: id, state: attributes['id']?.split('/').at(-1) })
  }
})

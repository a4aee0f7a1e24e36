/** Which event asks for what: seen by what the store is asked. */
import { describe, expect, test } from 'vitest'
import { handleEvent } from '../../../shared/po/reconcile/handle.ts'
import { createLoopCache } from '../../../shared/po/reconcile/loop-cache.ts'
import type { SweepPorts } from '../../../shared/po/reconcile/sweep.ts'

const ID = '8a1f5f0e-6f3c-4f0e-9d2a-5a3c5f4b1a11'
const POD = `/apis/v1/namespaces/flame/pods/analysis-${ID}-2-5f6bd6d98-b456t`

/** A node where nothing is due and every slot is taken. */
async function asked(event: { type: string; subject?: string }): Promise<readonly string[]> {
  const calls: string[] = []
  const store = {
    claim: async (id: string) => void calls.push(`look at ${id}`),
    takeSlot: async () => void calls.push('tick'),
  }
  const ports = { store, now: () => new Date(0), settings: { intervalSeconds: 10 } } as unknown as SweepPorts
  await handleEvent(ports, createLoopCache(), event)
  return calls
}

describe('an event', () => {
  test.each([
    ['of our own about an analysis', 'de.privateaim.po.analysis.reconcile', ID, [`look at ${ID}`]],
    ['about an analysis pod, as a reference', 'dev.knative.apiserver.ref.update', POD, [`look at ${ID}`]],
    ['about an analysis pod, whole', 'dev.knative.apiserver.resource.delete', POD, [`look at ${ID}`]],
    ['about a pod of somebody else', 'dev.knative.apiserver.ref.add', '/apis/v1/namespaces/flame/pods/postgres-0', []],
    ['about nothing, of an API server', 'dev.knative.apiserver.ref.add', undefined, []],
    ['of a PingSource', 'dev.knative.sources.ping', undefined, ['tick']],
    ['of anybody else', 'org.example.anything', POD, ['tick']],
  ])('%s', async (_, type, subject, expected) => {
    expect(await asked({ type, ...(subject === undefined ? {} : { subject }) })).toEqual(expected)
  })

  test('of our own about no analysis is refused', async () => {
    const event = { type: 'de.privateaim.po.analysis.reconcile', subject: 'everything' }
    await expect(asked(event)).rejects.toThrow('must be the id of an analysis')
  })
})

import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import type { ClusterTarget } from '../cluster.ts'
import { applyChain, config, ownedBy, PATIENCE, policy, presentOf } from './objects.ts'
import { patchAsOther } from './raw.ts'

/** `remove`. */
export function removing(subject: () => ClusterTarget): void {
  test('false for what is not there', async () => {
    expect(await subject().cluster.remove('ConfigMap', 'nothing')).toBe(false)
    expect(await subject().cluster.removePod('nothing')).toBe(false)
  })

  test('takes the whole chain with its root', async () => {
    await applyChain(subject().cluster, 'chain')
    expect(await subject().cluster.remove('ConfigMap', 'chain')).toBe(true)
    await expect.poll(() => presentOf(subject().cluster, 'chain'), PATIENCE).toEqual([false, false, false, false])
  })

  test('takes one run and leaves the root', async () => {
    await applyChain(subject().cluster, 'restart')
    expect(await subject().cluster.remove('NetworkPolicy', 'restart')).toBe(true)
    await expect.poll(() => presentOf(subject().cluster, 'restart'), PATIENCE).toEqual([true, false, false, false])
  })

  test('shows an object that waits for its dependents as deleting, and may be asked again', async () => {
    const { uid } = await subject().cluster.apply(config('waits', { a: '1' }))
    const held = { ...policy('waits', ownedBy('ConfigMap', 'waits', uid)) }
    await subject().cluster.apply({
      ...held,
      metadata: { ...held.metadata, finalizers: ['example.com/held'] },
    } as KubernetesObject)
    expect(await subject().cluster.remove('ConfigMap', 'waits')).toBe(true)
    expect(await subject().cluster.find('ConfigMap', 'waits')).toMatchObject({ deleting: true })
    expect(await subject().cluster.remove('ConfigMap', 'waits')).toBe(true)
    await expect
      .poll(async () => (await subject().cluster.find('NetworkPolicy', 'waits'))?.deleting, PATIENCE)
      .toBe(true)
    await patchAsOther(subject(), 'NetworkPolicy', 'waits', { metadata: { finalizers: null } })
    await expect.poll(() => subject().cluster.find('ConfigMap', 'waits'), PATIENCE).toBeUndefined()
  })

  test('an object whose owner is gone is collected', async () => {
    await subject().cluster.apply(policy('lost', ownedBy('ConfigMap', 'gone', randomUUID())))
    await expect.poll(() => subject().cluster.find('NetworkPolicy', 'lost'), PATIENCE).toBeUndefined()
  })
}

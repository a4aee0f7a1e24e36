import { expect, test } from 'vitest'
import type { Fault } from '../../../shared/platform/fault.ts'
import type { OwnedKind } from '../../../shared/po/ports/cluster.ts'
import type { ClusterTarget } from '../cluster.ts'
import { config, deployment, policy } from './objects.ts'
import { patchAsOther, read } from './raw.ts'

/** `apply`. */
export function applying(subject: () => ClusterTarget): void {
  test('makes an object, and resolves to the uid that find shows', async () => {
    const { uid } = await subject().cluster.apply(config('made', { a: '1' }, { color: 'red' }))
    const found = await subject().cluster.find('ConfigMap', 'made')
    expect(found).toMatchObject({ kind: 'ConfigMap', name: 'made', uid, labels: { color: 'red' }, deleting: false })
    expect(Math.abs(Date.now() - (found?.createdAt.getTime() ?? 0))).toBeLessThan(60_000)
  })

  test('again changes nothing: same uid, same resource version', async () => {
    for (const object of [config('same', { a: '1' }), policy('same')]) {
      const kind = object.kind as OwnedKind
      const first = await subject().cluster.apply(object)
      const { resourceVersion } = (await read(subject(), kind, 'same')).metadata
      expect(await subject().cluster.apply(object)).toEqual(first)
      expect((await read(subject(), kind, 'same')).metadata.resourceVersion).toBe(resourceVersion)
    }
  })

  test('takes away what it no longer names: entries, labels, items of a list', async () => {
    await subject().cluster.apply(config('less', { a: '1', b: '2' }, { color: 'red', shape: 'round' }))
    await subject().cluster.apply(config('less', { a: '3' }, { color: 'blue' }))
    expect(await read(subject(), 'ConfigMap', 'less')).toMatchObject({
      data: { a: '3' },
      metadata: { labels: { color: 'blue' } },
    })
    expect((await read(subject(), 'ConfigMap', 'less')).data).toEqual({ a: '3' })
    expect((await subject().cluster.find('ConfigMap', 'less'))?.labels).toEqual({ color: 'blue' })

    await subject().cluster.apply(deployment('less', { replicas: 0, env: { A: '1', B: '2' } }))
    await subject().cluster.apply(deployment('less', { replicas: 0, env: { B: '3' } }))
    const [container] = (await read(subject(), 'Deployment', 'less')).spec?.template.spec.containers ?? []
    expect(container?.env).toEqual([{ name: 'B', value: '3' }])
  })

  test('leaves what somebody else set, and takes back what somebody else changed', async () => {
    await subject().cluster.apply(config('shared', { a: '1' }, { color: 'red' }))
    await patchAsOther(subject(), 'ConfigMap', 'shared', { metadata: { labels: { color: 'green', theirs: 'yes' } } })
    await subject().cluster.apply(config('shared', { a: '1' }, { color: 'red' }))
    expect((await subject().cluster.find('ConfigMap', 'shared'))?.labels).toEqual({ color: 'red', theirs: 'yes' })
  })

  test('is known to the API as one manager', async () => {
    await subject().cluster.apply(config('managed', { a: '1' }))
    const managers = (await read(subject(), 'ConfigMap', 'managed')).metadata.managedFields
    expect(managers?.map(({ manager, operation }) => [manager, operation])).toEqual([['flame-po', 'Apply']])
  })

  test.each([
    ['a name that is none', config('Not_A_Name', {})],
    ['a label value that is none', config('label', {}, { color: 'not a value' })],
    [
      'a selector that does not fit the template',
      {
        ...deployment('unfit'),
        spec: { ...(deployment('unfit')['spec'] as object), selector: { matchLabels: { app: 'other' } } },
      },
    ],
  ] as const)('refuses %s', async (_, object) => {
    const fault = await subject()
      .cluster.apply(object)
      .catch((error: unknown) => error as Fault)
    expect(fault).toMatchObject({ name: 'Fault', code: 'refused' })
    expect((fault as Fault).message).toMatch(/apply (ConfigMap|Deployment) \S+: Invalid/)
  })
}

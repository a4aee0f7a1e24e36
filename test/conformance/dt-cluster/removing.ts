import { expect, test } from 'vitest'
import {
  cronJob,
  onDemandJob,
  type ServiceInput,
  serverDeployment,
  serverService,
  tokensSecret,
} from '../../../shared/dt/objects/index.ts'
import { APPLIED_KINDS } from '../../../shared/dt/ports/cluster.ts'
import { poll } from '../../poll.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, newId, PATIENCE, PERSISTENT, SCHEDULED } from './objects.ts'

const FINALIZER = 'example.com/held'

/** `removeResource`, `remove`. */
export function removing(subject: () => DtClusterTarget): void {
  const kept = async ({ id }: ServiceInput) => {
    const { cluster } = subject()
    const names = [id, `dt-${id}`, `dt-${id}-tokens`]
    const kinds = ['Secret', 'Job', 'CronJob', 'Deployment', 'Service'] as const
    const found = await Promise.all(
      kinds.flatMap((kind) =>
        names.map(async (name) => ((await cluster.has(kind, name)) ? [`${kind} ${name.replace(id, 'ID')}`] : [])),
      ),
    )
    return found.flat()
  }

  test.each([
    [
      'on demand',
      {},
      ['Secret dt-ID-tokens', 'Job ID'],
      (input: ServiceInput) => [onDemandJob(input, { suspend: true })],
    ],
    [
      'scheduled',
      SCHEDULED,
      ['Secret dt-ID-tokens', 'CronJob ID'],
      (input: ServiceInput) => [cronJob(input, { suspend: true })],
    ],
    [
      'persistent',
      PERSISTENT,
      ['Secret dt-ID-tokens', 'Deployment dt-ID', 'Service dt-ID'],
      (input: ServiceInput) => [serverService(input), serverDeployment(input)],
    ],
  ])('removeResource takes all that a service has, and then it is gone: %s', async (_, spec, expected, build) => {
    const { cluster } = subject()
    const input = await created(cluster, { spec })
    for (const object of [tokensSecret(input, () => 'a-token'), ...build(input)]) await cluster.apply(object)
    expect((await kept(input)).toSorted()).toEqual(expected.toSorted())
    expect(await cluster.removeResource(input.id)).toBe(true)
    await poll(() => cluster.resource(input.id), PATIENCE).toBeUndefined()
    // Foreground deletion: its dependents were deleted before it.
    expect(await kept(input)).toEqual([])
  })

  test('what has the objects of others stays', async () => {
    const { cluster } = subject()
    const [gone, other] = [await created(cluster), await created(cluster)]
    for (const input of [gone, other]) await cluster.apply(tokensSecret(input, () => 'a-token'))
    await cluster.removeResource(gone.id)
    await poll(() => cluster.resource(gone.id), PATIENCE).toBeUndefined()
    expect(await kept(other)).toEqual(['Secret dt-ID-tokens'])
  })

  test('a resource that somebody holds is shown as going, and may be asked again', async () => {
    const { cluster } = subject()
    const { id } = await created(cluster)
    await cluster.patchResource(id, { finalizers: [FINALIZER] })
    expect(await cluster.removeResource(id)).toBe(true)
    const going = await cluster.resource(id)
    expect(going).toMatchObject({ deleting: true, finalizers: expect.arrayContaining([FINALIZER]) })
    expect((await cluster.resources()).find(({ name }) => name === id)).toMatchObject({ deleting: true })
    expect(await cluster.removeResource(id)).toBe(true)
    await cluster.patchResource(id, { finalizers: [] })
    await poll(() => cluster.resource(id), PATIENCE).toBeUndefined()
    expect(await cluster.removeResource(id)).toBe(false)
  })

  test('a Job that goes is shown as going for as long as somebody holds it', async () => {
    const { cluster, raw } = subject()
    const input = await created(cluster)
    await cluster.apply(onDemandJob(input, { suspend: true }))
    const path = `apis/batch/v1/jobs/${input.id}`
    await raw('PATCH', path, { metadata: { finalizers: [FINALIZER] } })
    expect(await cluster.remove('Job', input.id)).toBe(true)
    expect(await cluster.jobs([input.id])).toMatchObject([{ deleting: true }])
    await raw('PATCH', path, { metadata: { finalizers: null } })
    await poll(() => cluster.jobs([input.id]), PATIENCE).toEqual([])
  })

  test('false for what is not there', async () => {
    const { cluster, serving } = subject()
    expect(await cluster.removeResource(newId())).toBe(false)
    for (const kind of APPLIED_KINDS.filter((one) => serving || one !== 'KnativeService')) {
      expect(await cluster.remove(kind, 'nothing')).toBe(false)
      expect(await cluster.has(kind, 'nothing')).toBe(false)
    }
  })
}

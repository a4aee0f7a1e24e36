import { expect, test } from 'vitest'
import {
  cronJob,
  knativeService,
  onDemandJob,
  serverDeployment,
  tokensSecret,
} from '../../../shared/dt/objects/index.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, newId, PERSISTENT, SCHEDULED } from './objects.ts'

/** `jobs`, `cronJobs`, `servers`, `pods`: what belongs to services, and nothing else. */
export function listing(subject: () => DtClusterTarget): void {
  test('jobs: of those services, as they were asked for', async () => {
    const { cluster } = subject()
    const [one, two] = [await created(cluster, { spec: { reps: 4, parallelism: 2 } }), await created(cluster)]
    const { uid } = await cluster.apply(onDemandJob(one, { suspend: true }))
    await cluster.apply(onDemandJob(two, { suspend: true }))
    const [job, ...others] = await cluster.jobs([one.id])
    expect(others).toEqual([])
    expect(job).toMatchObject({
      name: one.id,
      uid,
      deleting: false,
      suspended: true,
      completions: 4,
      parallelism: 2,
      active: 0,
      succeeded: 0,
      failed: 0,
      completedIndexes: [],
      failedIndexes: [],
      ended: null,
    })
    expect(job?.labels).toMatchObject({ 'eng.cam.ac.uk/service': one.id, 'eng.cam.ac.uk/resource': one.uid })
    expect(Math.abs(Date.now() - (job?.createdAt.getTime() ?? 0))).toBeLessThan(60_000)
    // Suspended Jobs have no pods.
    expect(await cluster.pods([one.id, two.id])).toEqual([])
  })

  test('cronJobs: the labels of those of these services', async () => {
    const { cluster } = subject()
    const [one, two] = [await created(cluster, { spec: SCHEDULED }), await created(cluster, { spec: SCHEDULED })]
    for (const input of [one, two]) await cluster.apply(cronJob(input, { suspend: true }))
    expect(await cluster.cronJobs([one.id])).toEqual([
      expect.objectContaining({ 'eng.cam.ac.uk/service': one.id, 'eng.cam.ac.uk/resource': one.uid }),
    ])
    expect(await cluster.cronJobs([one.id, two.id])).toHaveLength(2)
  })

  test('servers: Deployments and Knative Services', async () => {
    const { cluster, serving } = subject()
    const [one, two] = [await created(cluster, { spec: PERSISTENT }), await created(cluster, { spec: PERSISTENT })]
    await cluster.apply(tokensSecret(one, () => 'a-token'))
    await cluster.apply(serverDeployment(one))
    const unready = { ready: null, reason: null }
    expect(await cluster.servers([one.id])).toEqual([
      {
        name: `dt-${one.id}`,
        labels: expect.objectContaining({ 'eng.cam.ac.uk/service': one.id }),
        ...unready,
        url: null,
      },
    ])
    if (!serving) return
    await cluster.apply(knativeService(two))
    const names = (await cluster.servers([one.id, two.id])).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([`dt-${one.id}`, `dt-${two.id}`]))
    // Serving's Deployments have the labels of their service too; the Knative Service comes first.
    expect((await cluster.servers([two.id]))[0]?.name).toBe(`dt-${two.id}`)
  })

  test('of many services, in requests that a server takes, and of no service nothing', async () => {
    const { cluster } = subject()
    const [first, last] = [await created(cluster), await created(cluster)]
    for (const input of [first, last]) await cluster.apply(onDemandJob(input, { suspend: true }))
    const ids = [first.id, ...Array.from({ length: 250 }, newId), last.id]
    expect((await cluster.jobs(ids)).map(({ name }) => name).toSorted()).toEqual([first.id, last.id].toSorted())
    for (const list of [cluster.jobs([]), cluster.pods([]), cluster.servers([]), cluster.cronJobs([])])
      expect(await list).toEqual([])
  })

  test('every page is read', async () => {
    const { cluster, paged } = subject()
    const inputs = await Promise.all(Array.from({ length: 7 }, () => created(cluster, { spec: SCHEDULED })))
    for (const input of inputs) {
      await cluster.apply(cronJob(input, { suspend: true }))
      await cluster.apply(onDemandJob(input, { suspend: true }))
    }
    const ids = inputs.map(({ id }) => id)
    expect((await paged(3).jobs(ids)).map(({ name }) => name).toSorted()).toEqual(ids.toSorted())
    expect(await paged(3).cronJobs(ids)).toHaveLength(7)
    const names = (await paged(3).resources()).map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
    expect(names).toEqual(expect.arrayContaining(ids))
  })
}

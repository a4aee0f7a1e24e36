import { describe, expect, test } from 'vitest'
import { parseJobName } from '../../../shared/dt/names.ts'
import { cronJob, knativeService, serverDeployment, tokensSecret } from '../../../shared/dt/objects/index.ts'
import { poll } from '../../poll.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, firing, PATIENCE, PERSISTENT, running, runsOf, SCHEDULED, served } from './objects.ts'

/** A CronJob fires when the minute turns. */
const MINUTES = { timeout: 100_000, interval: 100 }

/** Serving waits for a port; a sandbox's machine may have no such program, and does not ask for one. */
const LISTENS = 'command -v httpd > /dev/null && exec httpd -f -p 8080; exec sleep 600'

/** Job and pods of a service, and its resource: each is deleted only after everything to its right. */
const IN_ORDER = /^1*0*$/

/** What pods wait for, and what makes pods: Jobs that are removed, CronJobs, Deployments and Knative Services. */
export function workloadRows(subject: () => DtClusterTarget, shellImage: string | undefined): void {
  describe('pods', { skip: !shellImage, concurrent: true }, () => {
    const image = shellImage ?? ''
    const { begin, jobOf, podsOf, mainOf } = runsOf(subject, image)

    test.each([
      [
        'an image that is not there',
        { image: 'dev.local/not-there:1' },
        /^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull)$/,
      ],
      [
        'a Secret that is not there',
        { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'not-there', key: 'a' } } }] },
        /^CreateContainerConfigError$/,
      ],
    ])('%s is said as what the pod waits for, and there is no log', async (_, more, reason) => {
      const input = await begin('exit 0', {}, more)
      await poll(async () => (await mainOf(input))?.waiting?.reason, PATIENCE).toMatch(reason)
      const [pod] = await podsOf(input)
      expect(pod).toMatchObject({ phase: 'Pending', ready: false })
      expect(await jobOf(input)).toMatchObject({ ended: null, failed: 0 })
      expect(await subject().cluster.log(pod?.name ?? '', 'main', 100)).toBeUndefined()
      expect(await subject().cluster.log(pod?.name ?? '', 'other', 100)).toBeUndefined()
    })

    test('removeResource: pods go first, then the Job, then the resource', async () => {
      const { cluster } = subject()
      const input = await begin("trap '' TERM; while :; do sleep 0.1; done")
      await poll(async () => (await mainOf(input))?.running, PATIENCE).toBe(true)
      await cluster.removeResource(input.id)
      const seen: string[] = []
      // Read in reverse order of their deletion, so a later read implies the earlier ones.
      const sample = async () => {
        const there = [
          (await cluster.resource(input.id)) !== undefined,
          (await jobOf(input)) !== undefined,
          (await podsOf(input)).length > 0,
        ]
        seen.push(there.map(Number).join(''))
        return seen.at(-1)
      }
      await poll(sample, PATIENCE).toBe('000')
      expect(seen[0]).toBe('111')
      for (const one of seen) expect(one).toMatch(IN_ORDER)
    })

    test('a CronJob makes Jobs that are named and labelled as firings of its service', async () => {
      const { cluster } = subject()
      const input = await created(cluster, { spec: { ...SCHEDULED, schedule: '* * * * *', reps: 1 } })
      await cluster.apply(firing(cronJob(input, { suspend: false }), { image, script: 'exit 0' }))
      const over = async () => (await cluster.jobs([input.id])).find((job) => job.ended?.outcome === 'complete')
      await poll(over, MINUTES).toBeDefined()
      const job = await over()
      const ref = parseJobName(job?.name ?? '')
      expect(ref).toEqual({ id: input.id, firing: expect.any(Number), fanIn: false })
      expect(ref?.firing).toBeGreaterThan(29_000_000)
      expect(job?.labels).toMatchObject({ 'eng.cam.ac.uk/resource': input.uid, 'eng.cam.ac.uk/step': 'replication' })
      const [pod] = await podsOf(input)
      expect(parseJobName(pod?.labels['batch.kubernetes.io/job-name'] ?? '')).toMatchObject({ id: input.id })
      await cluster.removeResource(input.id)
    })

    test('a Deployment is ready when its pod is', async () => {
      const { cluster } = subject()
      const input = await created(cluster, { spec: PERSISTENT })
      await cluster.apply(running(serverDeployment(input), { image, script: 'sleep 600' }))
      const ready = async () => (await cluster.servers([input.id]))[0]
      await poll(async () => (await ready())?.ready, PATIENCE).toBe(true)
      expect(await ready()).toMatchObject({ name: `dt-${input.id}`, reason: null, url: null })
      expect(await podsOf(input)).toMatchObject([{ phase: 'Running', ready: true }])
      await cluster.removeResource(input.id)
    })

    test('a Knative Service says where it is reached', async () => {
      const { cluster, serving } = subject()
      if (!serving) return
      const input = await created(cluster, { spec: PERSISTENT })
      await cluster.apply(tokensSecret(input, () => 'a-token'))
      await cluster.apply(served(knativeService(input), { image, script: LISTENS }))
      const url = async () => (await cluster.servers([input.id]))[0]?.url
      await poll(url, MINUTES).toMatch(new RegExp(`^https?://.*dt-${input.id}`))
      await cluster.removeResource(input.id)
    })
  })
}

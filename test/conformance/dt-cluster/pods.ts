/** Rows about pods that run, for targets where they do. */
import { describe, expect, test } from 'vitest'
import { parseJobName } from '../../../shared/dt/names.ts'
import {
  cronJob,
  knativeService,
  onDemandJob,
  type ServiceInput,
  serverDeployment,
  tokensSecret,
} from '../../../shared/dt/objects/index.ts'
import { poll } from '../../poll.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, firing, newId, PATIENCE, PERSISTENT, type Program, running, SCHEDULED, served } from './objects.ts'

/** A CronJob fires when the minute turns. */
const MINUTES = { timeout: 100_000, interval: 100 }
/** Serving waits for a port; a sandbox's machine may have no such program, and does not ask for one. */
const LISTENS = 'command -v httpd > /dev/null && exec httpd -f -p 8080; exec sleep 600'
/** Job and pods of a service, and its resource: none is gone while something right of it is there. */
const IN_ORDER = /^1*0*$/

export function podRows(subject: () => DtClusterTarget, shellImage: string | undefined): void {
  describe('pods', { skip: !shellImage, concurrent: true }, () => {
    const image = shellImage ?? ''
    const begin = async (script: string, spec: object = {}, more: Partial<Program> = {}): Promise<ServiceInput> => {
      const input = await created(subject().cluster, { spec: { reps: 1, retries: 0, ...spec } })
      await subject().cluster.apply(running(onDemandJob(input, false), { image, script, ...more }))
      return input
    }
    const jobOf = async ({ id }: ServiceInput) => (await subject().cluster.jobs([id]))[0]
    const podsOf = ({ id }: ServiceInput) => subject().cluster.pods([id])
    const mainOf = async (input: ServiceInput) => (await podsOf(input))[0]?.containers[0]
    const ended = (input: ServiceInput) => poll(async () => (await jobOf(input))?.ended?.outcome, PATIENCE)

    test('a Job that ends well says which of its indexes did', async () => {
      const input = await begin('exit 0', { reps: 3 })
      await ended(input).toBe('complete')
      expect(await jobOf(input)).toMatchObject({
        active: 0,
        succeeded: 3,
        failed: 0,
        completedIndexes: [0, 1, 2],
        failedIndexes: [],
        suspended: false,
      })
    })

    test('its pods say which run they are, and how it ended', async () => {
      const input = await begin('echo working; exit 0', { reps: 2 })
      await ended(input).toBe('complete')
      const pods = (await podsOf(input)).toSorted((one, other) => (one.name < other.name ? -1 : 1))
      expect(pods).toHaveLength(2)
      for (const [index, pod] of pods.entries()) {
        expect(pod.name).toMatch(new RegExp(`^${input.id}-${index}-[a-z0-9]{5}$`))
        expect(pod.labels).toMatchObject({
          'batch.kubernetes.io/job-name': input.id,
          'eng.cam.ac.uk/service': input.id,
          'eng.cam.ac.uk/resource': input.uid,
          'eng.cam.ac.uk/step': 'replication',
        })
        expect(pod.annotations).toMatchObject({
          'batch.kubernetes.io/job-completion-index': String(index),
          'batch.kubernetes.io/job-index-failure-count': '0',
        })
        expect(pod).toMatchObject({ phase: 'Succeeded', ready: false, unschedulable: null })
        const [main] = pod.containers
        expect(main).toMatchObject({ name: 'main', running: false, waiting: null })
        expect(main?.terminated).toMatchObject({ reason: 'Completed', exitCode: 0, message: '' })
        const { startedAt, endedAt } = main?.terminated ?? {}
        expect((endedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? Number.NaN)).toBeGreaterThanOrEqual(0)
      }
    })

    test('an index that fails is tried again, and given up with its last words', async () => {
      const input = await begin('echo no beds left; exit 3', { reps: 1, retries: 1 })
      await ended(input).toBe('failed')
      expect(await jobOf(input)).toMatchObject({ succeeded: 0, failedIndexes: [0], completedIndexes: [] })
      expect((await jobOf(input))?.ended?.reason).not.toBe('')
      const pods = await podsOf(input)
      const attempts = pods.map(({ annotations }) => annotations['batch.kubernetes.io/job-index-failure-count'])
      expect(attempts.toSorted()).toEqual(['0', '1'])
      for (const { phase, containers } of pods) {
        expect(phase).toBe('Failed')
        expect(containers[0]?.terminated).toMatchObject({ reason: 'Error', exitCode: 3 })
        expect(containers[0]?.terminated?.message).toContain('no beds left')
      }
    })

    test('an index that fails ends none of the others', async () => {
      const script = '[ "$JOB_COMPLETION_INDEX" = 1 ] && exit 1; exit 0'
      const input = await begin(script, { reps: 3 })
      await ended(input).toBe('failed')
      expect(await jobOf(input)).toMatchObject({ completedIndexes: [0, 2], failedIndexes: [1], succeeded: 2 })
    })

    test('while it runs it is active, and has begun', async () => {
      const input = await begin('sleep 600')
      await poll(async () => (await mainOf(input))?.running, PATIENCE).toBe(true)
      expect(await mainOf(input)).toMatchObject({ startedAt: expect.any(Date), waiting: null, terminated: null })
      await poll(async () => (await jobOf(input))?.active, PATIENCE).toBe(1)
      expect((await podsOf(input))[0]).toMatchObject({ phase: 'Running', ready: true, deleting: false })
    })

    test('a suspended Job has no pod until it goes on', async () => {
      const input = await created(subject().cluster, { spec: { reps: 1 } })
      await subject().cluster.apply(running(onDemandJob(input, true), { image, script: 'exit 0' }))
      expect(await podsOf(input)).toEqual([])
      await subject().cluster.resume(input.id)
      await ended(input).toBe('complete')
    })

    test('end: a Job that runs, or that cannot, is failed, and its pods go', async () => {
      const { cluster } = subject()
      const inputs = [await begin('sleep 600'), await begin('exit 0', {}, { image: 'dev.local/not-there:1' })]
      for (const input of inputs) {
        await poll(async () => (await podsOf(input))[0]?.takenAt, PATIENCE).toBeInstanceOf(Date)
        expect(await cluster.end(input.id)).toBe(true)
        await ended(input).toBe('failed')
        expect((await jobOf(input))?.ended?.reason).toContain('DeadlineExceeded')
        await poll(() => podsOf(input), PATIENCE).toEqual([])
      }
      expect(await cluster.end(newId())).toBe(false)
    })

    test('a sidecar runs beside the image, and ends after it', async () => {
      const beside = "trap 'echo heard; sleep 1; exit 0' TERM; while :; do sleep 0.1; done"
      const input = await begin('sleep 1; exit 0', {}, { sidecar: beside })
      const sidecar = async () => (await podsOf(input))[0]?.initContainers[0]
      await poll(async () => (await sidecar())?.running, PATIENCE).toBe(true)
      expect(await sidecar()).toMatchObject({ name: 'beside', startedAt: expect.any(Date) })
      // Between both ends: outputs are on their way, and the run is not over.
      await poll(async () => (await mainOf(input))?.terminated?.exitCode, PATIENCE).toBe(0)
      await ended(input).toBe('complete')
      expect(await subject().cluster.log((await podsOf(input))[0]?.name ?? '', 'beside', 100)).toContain('heard')
    })

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

    test('log: whole when it fits, its last bytes when not, and of one that has ended as well', async () => {
      const input = await begin('i=0; while [ $i -lt 200 ]; do echo "line $i ä"; i=$((i+1)); done; echo "end ä"')
      await ended(input).toBe('complete')
      const [pod] = await podsOf(input)
      const log = (bytes: number) => subject().cluster.log(pod?.name ?? '', 'main', bytes)
      expect(await log(10_000)).toMatch(/^line 0 ä\n[\s\S]*\nend ä\n$/)
      expect(await log(7)).toBe('end ä\n')
      expect(await log(2)).toBe('\n')
    })

    test('removeResource: pods go first, then the Job, then the resource', async () => {
      const { cluster } = subject()
      const input = await begin("trap '' TERM; while :; do sleep 0.1; done")
      await poll(async () => (await mainOf(input))?.running, PATIENCE).toBe(true)
      await cluster.removeResource(input.id)
      const seen: string[] = []
      // Sampled from the last to go to the first: what is seen later implies what was seen before.
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
      await cluster.apply(firing(cronJob(input, false), { image, script: 'exit 0' }))
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

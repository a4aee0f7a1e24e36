/** Tests with running pods, for targets that run pods. */
import { describe, expect, test } from 'vitest'
import { onDemandJob, type ServiceInput } from '../../../shared/dt/objects/index.ts'
import { poll } from '../../poll.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, newId, PATIENCE, running, runsOf } from './objects.ts'

export function podRows(subject: () => DtClusterTarget, shellImage: string | undefined): void {
  describe('pods', { skip: !shellImage, concurrent: true }, () => {
    const image = shellImage ?? ''
    const { begin, jobOf, podsOf, mainOf } = runsOf(subject, image)
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
      await subject().cluster.apply(running(onDemandJob(input, { suspend: true }), { image, script: 'exit 0' }))
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
      // Between the ends of both containers: outputs are being uploaded, and the run is not over.
      await poll(async () => (await mainOf(input))?.terminated?.exitCode, PATIENCE).toBe(0)
      await ended(input).toBe('complete')
      expect(await subject().cluster.log((await podsOf(input))[0]?.name ?? '', 'beside', 100)).toContain('heard')
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
  })
}

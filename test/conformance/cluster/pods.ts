/** Tests with running pods, for targets that run pods. */
import { describe, expect, test } from 'vitest'
import type { PoCluster } from '../../../shared/po/ports/cluster.ts'
import { poll } from '../../poll.ts'
import { applyChain, deployment, PATIENCE, presentOf, type Shape } from './objects.ts'

/** Runs until the end of its grace period. */
const STUBBORN = "trap '' TERM; while :; do sleep 1; done"
/** Secret, policy, Deployment, pods: each is deleted only after everything to its right. */
const IN_ORDER = /^1*0*$/

async function watchGoing(cluster: PoCluster, name: string): Promise<string[]> {
  const seen: string[] = []
  const sample = async () => {
    seen.push((await presentOf(cluster, name)).map(Number).join(''))
    return seen.at(-1)
  }
  await poll(sample, PATIENCE).toBe('0000')
  return seen
}

export function podRows(cluster: () => PoCluster, shellImage: string | undefined): void {
  describe('pods', { skip: !shellImage, concurrent: true }, () => {
    const image = shellImage ?? ''
    const podOf = async (name: string) => (await cluster().pods({ app: name }))[0]
    const run = (name: string, shape: Shape) => cluster().apply(deployment(name, { image, ...shape }))

    test('a running pod is ready and named after Deployment and ReplicaSet', async () => {
      await run('runs', { script: 'sleep 600' })
      await poll(async () => (await podOf('runs'))?.ready, PATIENCE).toBe(true)
      const pod = await podOf('runs')
      expect(pod).toMatchObject({ phase: 'Running', deleting: false, unschedulable: null, labels: { app: 'runs' } })
      expect(pod?.name).toMatch(/^runs-[a-z0-9]+-[a-z0-9]{5}$/)
      expect(pod?.ip).toMatch(/^[0-9.]+$/)
      expect(pod?.containers[0]?.imageDigest ?? `sha256:${'0'.repeat(64)}`).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(pod?.containers).toEqual([
        {
          name: 'runs',
          // Where images have no registry, a kubelet may report none.
          imageDigest: pod?.containers[0]?.imageDigest,
          ready: true,
          restarts: 0,
          running: true,
          waiting: null,
          terminated: null,
          lastTerminated: null,
        },
      ])
    })

    test('an image that is not there is said as the reason, and there is no log', async () => {
      await run('unknown', { image: 'dev.local/not-there:1' })
      const reason = async () => (await podOf('unknown'))?.containers[0]?.waiting?.reason
      await poll(reason, PATIENCE).toMatch(/^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull)$/)
      const pod = await podOf('unknown')
      expect(pod).toMatchObject({ phase: 'Pending', ready: false })
      expect(await cluster().log(pod?.name ?? '', 'unknown', 100)).toBeUndefined()
      expect(await cluster().log(pod?.name ?? '', 'other', 100)).toBeUndefined()
    })

    test('a Secret that is not there is said as the reason', async () => {
      const object = deployment('unset', { image })
      const [container] = (object as unknown as { spec: { template: { spec: { containers: { env: object[] }[] } } } })
        .spec.template.spec.containers
      container?.env.push({ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'not-there', key: 'token' } } })
      await cluster().apply(object)
      const reason = async () => (await podOf('unset'))?.containers[0]?.waiting?.reason
      await poll(reason, PATIENCE).toBe('CreateContainerConfigError')
    })

    test('a container that ended is started again in place, and how it ended stays known', async () => {
      await run('crash', { script: 'echo bye; exit 3' })
      const last = async () => (await podOf('crash'))?.containers[0]
      await poll(async () => (await last())?.lastTerminated ?? (await last())?.terminated, PATIENCE).toMatchObject({
        exitCode: 3,
        reason: 'Error',
      })
      await poll(async () => (await last())?.restarts, PATIENCE).toBeGreaterThan(0)
      expect((await last())?.lastTerminated).toMatchObject({ exitCode: 3, reason: 'Error' })
    })

    test('log: whole when it fits, its last bytes when not, never half a character', async () => {
      await run('logs', {
        script: 'i=0; while [ $i -lt 200 ]; do echo "line $i ä"; i=$((i+1)); done; echo "end ä"; sleep 600',
      })
      const log = async (limit: number) => {
        const tail = await cluster().log((await podOf('logs'))?.name ?? '', 'logs', limit)
        return tail && { text: [...tail.text].join(''), leftOut: tail.leftOut }
      }
      await poll(async () => (await log(10_000))?.text.endsWith('end ä\n'), PATIENCE).toBe(true)
      expect(await log(10_000)).toMatchObject({
        leftOut: 0,
        text: expect.stringMatching(/^line 0 ä\nline 1 ä\n/),
      })
      const size = Buffer.byteLength((await log(10_000))?.text ?? '')
      expect(await log(7)).toEqual({ text: 'end ä\n', leftOut: size - 7 })
      expect(await log(2)).toEqual({ text: '\n', leftOut: size - 1 })
    })

    test('removePod: another pod takes its place', async () => {
      await run('replaced', { script: 'sleep 600' })
      await poll(async () => (await podOf('replaced'))?.ready, PATIENCE).toBe(true)
      const first = (await podOf('replaced'))?.name ?? ''
      expect(await cluster().removePod(first)).toBe(true)
      const others = async () =>
        (await cluster().pods({ app: 'replaced' })).map(({ name, ready }) => [name === first, ready])
      await poll(others, PATIENCE).toEqual([[false, true]])
    })

    test('the chain goes pods first, then Deployment, policy, Secret', async () => {
      await applyChain(cluster(), 'ordered', { image, script: STUBBORN })
      await poll(async () => (await podOf('ordered'))?.ready, PATIENCE).toBe(true)
      await cluster().remove('ConfigMap', 'ordered')
      const seen = await watchGoing(cluster(), 'ordered')
      expect(seen[0]).toBe('1111')
      for (const sample of seen) expect(sample).toMatch(IN_ORDER)
    })

    test('the chain goes in that order also right after it was made', async () => {
      await applyChain(cluster(), 'hasty', { image, script: STUBBORN })
      await cluster().remove('ConfigMap', 'hasty')
      for (const sample of await watchGoing(cluster(), 'hasty')) expect(sample).toMatch(IN_ORDER)
    })
  })
}

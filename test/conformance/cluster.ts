/**
 * What every Cluster owes its users (`shared/po/ports.ts`): the adapter on the sandbox's API and on a real API server
 * both pass it, so that the sandbox may stand for the real one. A target has a namespace of its own, empty at first.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../../shared/platform/fault.ts'
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import type { OwnedKind, PoCluster, RemovableKind } from '../../shared/po/ports/cluster.ts'
import {
  applyChain,
  base64,
  config,
  deployment,
  ownedBy,
  PATIENCE,
  policy,
  presentOf,
  secret,
  service,
} from './cluster/objects.ts'
import { podRows } from './cluster/pods.ts'

export interface ClusterTarget {
  readonly cluster: PoCluster
  /** The same with pages of this many objects. */
  paged(pageSize: number): PoCluster
  /** Past the adapter, in the same namespace: for what other clients do and see. */
  raw(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: RawObject }>
  stop(): Promise<void>
}

export interface RawObject {
  readonly metadata: {
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[]
  }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly containers: { readonly image: string; readonly env?: { name: string; value: string }[] }[]
      }
    }
  }
}

export interface ClusterAbilities {
  /** An image with a POSIX shell; undefined where no pods run. */
  readonly shellImage: string | undefined
}

const PATHS: Readonly<Record<RemovableKind | 'Pod', string>> = {
  Secret: 'api/v1/secrets',
  ConfigMap: 'api/v1/configmaps',
  Service: 'api/v1/services',
  Pod: 'api/v1/pods',
  Deployment: 'apis/apps/v1/deployments',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
}

export function clusterConformance(
  title: string,
  make: () => Promise<ClusterTarget>,
  abilities: ClusterAbilities,
): void {
  describe(`PoCluster: ${title}`, () => {
    let target: ClusterTarget
    let cluster: PoCluster
    beforeAll(async () => {
      target = await make()
      cluster = target.cluster
    })
    afterAll(() => target?.stop())

    const read = async (kind: RemovableKind | 'Pod', name: string) =>
      (await target.raw('GET', `${PATHS[kind]}/${name}`)).body
    const asOther = (kind: OwnedKind, name: string, patch: object) =>
      target.raw('PATCH', `${PATHS[kind]}/${name}?fieldManager=somebody`, patch)

    describe('apply', () => {
      test('makes an object, and resolves to the uid that find shows', async () => {
        const { uid } = await cluster.apply(config('made', { a: '1' }, { color: 'red' }))
        const found = await cluster.find('ConfigMap', 'made')
        expect(found).toMatchObject({ kind: 'ConfigMap', name: 'made', uid, labels: { color: 'red' }, deleting: false })
        expect(Math.abs(Date.now() - (found?.createdAt.getTime() ?? 0))).toBeLessThan(60_000)
      })

      test('again changes nothing: same uid, same resource version', async () => {
        for (const object of [config('same', { a: '1' }), policy('same')]) {
          const kind = object.kind as OwnedKind
          const first = await cluster.apply(object)
          const { resourceVersion } = (await read(kind, 'same')).metadata
          expect(await cluster.apply(object)).toEqual(first)
          expect((await read(kind, 'same')).metadata.resourceVersion).toBe(resourceVersion)
        }
      })

      test('takes away what it no longer names: entries, labels, items of a list', async () => {
        await cluster.apply(config('less', { a: '1', b: '2' }, { color: 'red', shape: 'round' }))
        await cluster.apply(config('less', { a: '3' }, { color: 'blue' }))
        expect(await read('ConfigMap', 'less')).toMatchObject({
          data: { a: '3' },
          metadata: { labels: { color: 'blue' } },
        })
        expect((await read('ConfigMap', 'less')).data).toEqual({ a: '3' })
        expect((await cluster.find('ConfigMap', 'less'))?.labels).toEqual({ color: 'blue' })

        await cluster.apply(deployment('less', { replicas: 0, env: { A: '1', B: '2' } }))
        await cluster.apply(deployment('less', { replicas: 0, env: { B: '3' } }))
        const [container] = (await read('Deployment', 'less')).spec?.template.spec.containers ?? []
        expect(container?.env).toEqual([{ name: 'B', value: '3' }])
      })

      test('leaves what somebody else set, and takes back what somebody else changed', async () => {
        await cluster.apply(config('shared', { a: '1' }, { color: 'red' }))
        await asOther('ConfigMap', 'shared', { metadata: { labels: { color: 'green', theirs: 'yes' } } })
        await cluster.apply(config('shared', { a: '1' }, { color: 'red' }))
        expect((await cluster.find('ConfigMap', 'shared'))?.labels).toEqual({ color: 'red', theirs: 'yes' })
      })

      test('is known to the API as one manager', async () => {
        await cluster.apply(config('managed', { a: '1' }))
        const managers = (await read('ConfigMap', 'managed')).metadata.managedFields
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
        const fault = await cluster.apply(object).catch((error: unknown) => error as Fault)
        expect(fault).toMatchObject({ name: 'Fault', code: 'refused' })
        expect((fault as Fault).message).toMatch(/apply (ConfigMap|Deployment) \S+: Invalid/)
      })
    })

    test('find: undefined for what is not there', async () => {
      expect(await cluster.find('ConfigMap', 'nothing')).toBeUndefined()
    })

    describe('patchSecret', () => {
      test('changes the entries it names and keeps the others', async () => {
        const { uid } = await cluster.apply(secret('token', { token: 'old', other: 'kept' }, { color: 'red' }))
        const patched = await cluster.patchSecret('token', { token: 'nëw' })
        expect(patched).toMatchObject({ uid, name: 'token', labels: { color: 'red' }, deleting: false, owners: [] })
        expect((await read('Secret', 'token')).data).toEqual({ token: base64('nëw'), other: base64('kept') })
      })

      test('undefined when there is no such Secret, and none is made', async () => {
        expect(await cluster.patchSecret('no-token', { token: 'x' })).toBeUndefined()
        expect(await cluster.remove('Secret', 'no-token')).toBe(false)
      })
    })

    describe('list', () => {
      beforeAll(async () => {
        const labels = (n: number) => ({
          set: 'listed',
          parity: n % 2 ? 'odd' : 'even',
          ...(n === 7 ? { lucky: 'yes' } : {}),
        })
        const names = Array.from({ length: 23 }, (_, n) => n)
        await Promise.all(names.map((n) => cluster.apply(config(`listed-${n}`, {}, labels(n)))))
        await cluster.apply(secret('listed-0', {}, { set: 'listed' }))
      })

      test.each([
        ['all labels match', { set: 'listed', parity: 'odd' }, 11],
        ['a label is there with any value', { set: 'listed', lucky: undefined }, 1],
        ['a label value is another', { set: 'other' }, 0],
      ])('shows objects of the kind where %s', async (_, labels, count) => {
        expect(await cluster.list('ConfigMap', labels)).toHaveLength(count)
      })

      test('reads every page', async () => {
        const listed = await target.paged(5).list('ConfigMap', { set: 'listed' })
        expect(new Set(listed.map(({ name }) => name)).size).toBe(23)
        expect(listed).toHaveLength(23)
      })
    })

    describe('remove', () => {
      test('false for what is not there', async () => {
        expect(await cluster.remove('ConfigMap', 'nothing')).toBe(false)
        expect(await cluster.removePod('nothing')).toBe(false)
      })

      test('takes the whole chain with its root', async () => {
        await applyChain(cluster, 'chain')
        expect(await cluster.remove('ConfigMap', 'chain')).toBe(true)
        await expect.poll(() => presentOf(cluster, 'chain'), PATIENCE).toEqual([false, false, false, false])
      })

      test('takes one run and leaves the root', async () => {
        await applyChain(cluster, 'restart')
        expect(await cluster.remove('NetworkPolicy', 'restart')).toBe(true)
        await expect.poll(() => presentOf(cluster, 'restart'), PATIENCE).toEqual([true, false, false, false])
      })

      test('shows an object that waits for its dependents as deleting, and may be asked again', async () => {
        const { uid } = await cluster.apply(config('waits', { a: '1' }))
        const held = { ...policy('waits', ownedBy('ConfigMap', 'waits', uid)) }
        await cluster.apply({
          ...held,
          metadata: { ...held.metadata, finalizers: ['example.com/held'] },
        } as KubernetesObject)
        expect(await cluster.remove('ConfigMap', 'waits')).toBe(true)
        expect(await cluster.find('ConfigMap', 'waits')).toMatchObject({ deleting: true })
        expect(await cluster.remove('ConfigMap', 'waits')).toBe(true)
        await expect.poll(async () => (await cluster.find('NetworkPolicy', 'waits'))?.deleting, PATIENCE).toBe(true)
        await asOther('NetworkPolicy', 'waits', { metadata: { finalizers: null } })
        await expect.poll(() => cluster.find('ConfigMap', 'waits'), PATIENCE).toBeUndefined()
      })

      test('an object whose owner is gone is collected', async () => {
        await cluster.apply(policy('lost', ownedBy('ConfigMap', 'gone', randomUUID())))
        await expect.poll(() => cluster.find('NetworkPolicy', 'lost'), PATIENCE).toBeUndefined()
      })
    })

    test('peers: found by label, first by name, with the port that is meant; the absent are missing', async () => {
      const app = { app: 'x' }
      await Promise.all([
        cluster.apply(
          service('b-broker', { component: 'flame-message-broker' }, [{ port: 80, targetPort: 8080 }], app),
        ),
        cluster.apply(
          service('a-broker', { component: 'flame-message-broker' }, [{ port: 80, targetPort: 'web' }], app),
        ),
        cluster.apply(service('storage', { component: 'flame-storage-service' }, [{ port: 8080 }], null)),
        cluster.apply(service('kong-admin', { 'app.kubernetes.io/name': 'kong' }, [{ port: 8001 }], app)),
        cluster.apply(
          service(
            'x-kong-proxy',
            { 'app.kubernetes.io/name': 'kong' },
            [
              { name: 'tls', port: 443, targetPort: 8443 },
              { name: 'web', port: 80, targetPort: 8000 },
            ],
            app,
          ),
        ),
        cluster.apply(service('po', { component: 'flame-po' }, [{ port: 8000 }], app)),
      ])
      expect(await cluster.peers()).toEqual({
        broker: { name: 'a-broker', port: 80, targetPort: 'web', selector: app },
        kong: { name: 'x-kong-proxy', port: 80, targetPort: 8000, selector: app },
        orchestrator: { name: 'po', port: 8000, targetPort: 8000, selector: app },
      })
    })

    test('log: undefined for a pod that is not there', async () => {
      expect(await cluster.log('nothing', 'main', 100)).toBeUndefined()
    })

    podRows(() => cluster, abilities.shellImage)
  })
}

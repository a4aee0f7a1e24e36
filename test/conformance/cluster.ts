/**
 * The obligations of every PoCluster (`shared/po/ports/cluster.ts`). The adapter passes this suite on the sandbox's API and on a
 * real API server, so the sandbox can replace the latter. A target has its own namespace, which is empty at first.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PoCluster } from '../../shared/po/ports/cluster.ts'
import { applying } from './cluster/applying.ts'
import { base64, config, secret, service } from './cluster/objects.ts'
import { podRows } from './cluster/pods.ts'
import { read } from './cluster/raw.ts'
import { removing } from './cluster/removing.ts'

export interface ClusterTarget {
  readonly cluster: PoCluster
  /** The same with pages of this many objects. */
  paged(pageSize: number): PoCluster
  /** Direct access to the same namespace, as another client. */
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

    describe('apply', () => applying(() => target))

    test('find: undefined for what is not there', async () => {
      expect(await cluster.find('ConfigMap', 'nothing')).toBeUndefined()
    })

    describe('patchSecret', () => {
      test('changes the entries it names and keeps the others', async () => {
        const { uid } = await cluster.apply(secret('token', { token: 'old', other: 'kept' }, { color: 'red' }))
        const patched = await cluster.patchSecret('token', { token: 'nëw' })
        expect(patched).toMatchObject({ uid, name: 'token', labels: { color: 'red' }, deleting: false, owners: [] })
        expect((await read(target, 'Secret', 'token')).data).toEqual({ token: base64('nëw'), other: base64('kept') })
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

    describe('remove', () => removing(() => target))

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

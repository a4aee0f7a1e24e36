/**
 * The obligations of every DtCluster (`shared/dt/ports/cluster.ts`). The adapter passes this suite on the sandbox's API and on a
 * real API server, so the sandbox can replace the latter. A target has its own namespace, which is empty at first,
 * and serves the kind `Analytics`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DtCluster } from '../../shared/dt/ports/cluster.ts'
import { applying } from './dt-cluster/applying.ts'
import { listing } from './dt-cluster/listing.ts'
import { podRows } from './dt-cluster/pods.ts'
import { removing } from './dt-cluster/removing.ts'
import { resources } from './dt-cluster/resources.ts'
import { workloadRows } from './dt-cluster/workloads.ts'

export interface DtClusterTarget {
  readonly cluster: DtCluster
  /** The same with pages of this many objects. */
  paged(pageSize: number): DtCluster
  /** Direct access to the same namespace, as another client. */
  raw(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<{ status: number; body: Raw }>
  /** Knative Serving is installed. */
  readonly serving: boolean
  stop(): Promise<void>
}

export interface Raw {
  readonly metadata: {
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[]
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

export interface DtClusterAbilities {
  /** An image with a POSIX shell; undefined where no pods run. */
  readonly shellImage: string | undefined
}

export function dtClusterConformance(
  title: string,
  make: () => Promise<DtClusterTarget>,
  { shellImage }: DtClusterAbilities,
): void {
  describe(`DtCluster of twins: ${title}`, () => {
    let target: DtClusterTarget
    beforeAll(async () => {
      target = await make()
      if (!target.serving) notTested(title)
    })
    afterAll(() => target?.stop())
    const subject = () => target

    describe('resources', () => resources(subject))
    describe('apply', () => applying(subject))
    describe.concurrent('remove', () => removing(subject))
    describe('lists', () => listing(subject))
    test('log: undefined for a pod that is not there', async () => {
      expect(await target.cluster.log('nothing', 'main', 100)).toBeUndefined()
    })
    podRows(subject, shellImage)
    workloadRows(subject, shellImage)
  })
}

const notTested = (title: string) => {
  process.stderr.write(`NOT TESTED: Knative Services on ${title}: Serving is not there.\n`)
  if (process.env['CI']) throw new Error(`Serving is not there on ${title}`)
}

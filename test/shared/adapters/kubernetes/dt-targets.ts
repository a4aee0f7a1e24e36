/** The two API servers that the adapter of digital twins is tested against, each with the kind `Analytics`. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { type ApiConnection, connectApi } from '../../../../shared/adapters/kubernetes/connection.ts'
import { createDtCluster } from '../../../../shared/adapters/kubernetes/dt/index.ts'
import type { DtClusterTarget, Raw } from '../../../conformance/dt-cluster.ts'
import { freshNamespace, namespaced, sandboxTarget, send } from './targets.ts'

const CRD = new URL('../../../../knative/config/crd/analytics.yaml', import.meta.url)
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const KIND = '/apis/eng.cam.ac.uk/v1alpha1'

/** What no kind lies below is answered in plain text. */
async function isServed(connection: ApiConnection, path: string): Promise<boolean> {
  const signal = AbortSignal.timeout(10_000)
  const { status, body } = await connection.send({ method: 'GET', path, headers: {}, body: undefined, signal })
  await body.text()
  return status === 200
}

/** The kind is of the whole cluster: it is made or brought up to date, and stays. */
async function defineKind(connection: ApiConnection): Promise<void> {
  const definition = parse(await readFile(CRD, 'utf8')) as { metadata: { name: string } }
  const path = `${DEFINITIONS}/${definition.metadata.name}`
  const isThere = await isServed(connection, path)
  const { status } = await (isThere
    ? send(connection, 'PATCH', path, definition)
    : send(connection, 'POST', DEFINITIONS, definition))
  if (status >= 300) throw new Error(`the kind was not made: ${status}`)
  for (const end = Date.now() + 20_000; !(await isServed(connection, `${KIND}/analytics?limit=1`)); await sleep(100))
    if (Date.now() > end) throw new Error('the kind is not served')
}

async function targetOf(connection: ApiConnection, stop: () => Promise<void>): Promise<DtClusterTarget> {
  await defineKind(connection)
  const cluster = createDtCluster({ connection })
  return {
    cluster,
    paged: (pageSize) => createDtCluster({ connection: { ...connection, pageSize, metadataPageSize: pageSize } }),
    async raw(method, path, body) {
      const answer = await send(connection, method, namespaced(path, connection.namespace), body)
      return { status: answer.status, body: answer.body as unknown as Raw }
    },
    serving: await isServed(connection, '/apis/serving.knative.dev/v1'),
    async stop() {
      await stop()
      await connection.close()
    },
  }
}

/** Minutes of its CronJobs take a second. */
export async function sandboxDt(): Promise<DtClusterTarget> {
  const { kubeconfig, stop } = await sandboxTarget({ cronMinuteMs: 1000 })
  return targetOf(connectApi({ env: { KUBECONFIG: kubeconfig } }), stop)
}

export async function realDt(kubeconfig: string): Promise<DtClusterTarget> {
  const { connection, stop } = await freshNamespace(kubeconfig)
  return targetOf(connection, stop)
}

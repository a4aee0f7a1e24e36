import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPoCluster } from '../../../../shared/adapters/kubernetes/po/index.ts'
import { type SandboxTarget, sandboxTarget } from './targets.ts'

let target: SandboxTarget
let folder: string
let authority: string
beforeAll(async () => {
  target = await sandboxTarget({ secure: true, startPods: false })
  folder = await mkdtemp(join(tmpdir(), 'service-account-'))
  const config = JSON.parse(await readFile(target.kubeconfig, 'utf8'))
  authority = Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString()
})
afterAll(async () => {
  await target.stop()
  await rm(folder, { recursive: true })
})

/** The cluster as a pod sees it whose service account has these files. */
async function inPod(files: { readonly ca: string; readonly token: string }) {
  const mounted = { 'ca.crt': files.ca, token: files.token, namespace: target.kubernetes.namespace }
  for (const [name, text] of Object.entries(mounted)) await writeFile(join(folder, name), text)
  const { hostname, port } = new URL(target.kubernetes.url)
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  return createPoCluster({ env, serviceAccountDir: folder })
}

test('token, authority and namespace of the service account reach the API over TLS', async () => {
  const cluster = await inPod({ ca: authority, token: `${target.kubernetes.token}\n` })
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'in-pod' }, data: {} }
  const { uid } = await cluster.apply(object)
  expect(await cluster.find('ConfigMap', 'in-pod')).toMatchObject({ uid })
  expect(cluster.namespace).toBe(target.kubernetes.namespace)
  await cluster.close()
})

test('another token is refused', async () => {
  const cluster = await inPod({ ca: authority, token: 'other' })
  await expect(cluster.find('ConfigMap', 'x')).rejects.toMatchObject({ code: 'refused' })
  await cluster.close()
})

test('a server of another authority is not talked to', async () => {
  const other = await sandboxTarget({ secure: true, startPods: false })
  const config = JSON.parse(await readFile(other.kubeconfig, 'utf8'))
  const ca = Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString()
  const cluster = await inPod({ ca, token: target.kubernetes.token })
  await expect(cluster.find('ConfigMap', 'x')).rejects.toMatchObject({ code: 'unavailable' })
  await cluster.close()
  await other.stop()
})

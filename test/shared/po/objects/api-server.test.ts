/** A real API server reads every object strictly, and its Pod Security admission every pod. Nothing is left behind. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kindOf, pathOf } from '../../../../shared/adapters/kubernetes/kinds.ts'
import { type ApiConnection, connectApi } from '../../../../shared/adapters/kubernetes/po/index.ts'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import { type RunInput, standingPolicy } from '../../../../shared/po/objects/index.ts'
import { RUN, SETTINGS, written } from './input.ts'

const { TEST_KUBECONFIG } = process.env
if (!TEST_KUBECONFIG)
  process.stderr.write('NOT TESTED: the objects of a run on a real API server. Set TEST_KUBECONFIG to run it.\n')

const OPTIONS = 'fieldManager=test&fieldValidation=Strict&dryRun=All'
const withNetStats = { ...SETTINGS, netStatsImage: 'busybox:1.37' }
const CASES: [RunInput['settings']['podSecurity'], RunInput][] = [
  ['baseline', { ...RUN, settings: withNetStats }],
  ['restricted', { ...RUN, settings: { ...withNetStats, podSecurity: 'restricted' } }],
]

describe.skipIf(!TEST_KUBECONFIG).each(CASES)('a real API server, level %s', (level, run) => {
  const namespace = `po-objects-${randomBytes(4).toString('hex')}`
  let connection: ApiConnection

  const send = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object) => {
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'
    const headers = { 'content-type': type }
    const signal = AbortSignal.timeout(20_000)
    const answer = await connection.send({ method, path, headers, body: JSON.stringify(body), signal })
    return { status: answer.status, text: await answer.body.text() }
  }

  beforeAll(async () => {
    connection = connectApi({ env: { KUBECONFIG: TEST_KUBECONFIG }, namespace })
    const labels = { 'pod-security.kubernetes.io/enforce': level }
    const made = await send('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels },
    })
    expect(made.status, made.text).toBe(201)
  })
  afterAll(async () => {
    await send('DELETE', `/api/v1/namespaces/${namespace}`, {})
    await connection.close()
  })

  const apply = (object: KubernetesObject) =>
    send('PATCH', `${pathOf(namespace, kindOf(object.kind), object.metadata.name)}?${OPTIONS}&force=true`, object)

  test('takes every object', async () => {
    for (const object of [standingPolicy(), ...written(run)]) {
      const { status, text } = await apply(object)
      expect(status, text).toBe(201)
    }
  })

  test('would not take a field it does not know', async () => {
    const { status, text } = await apply({ ...standingPolicy(), spec: { podSelektor: {} } })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toContain('podSelektor')
  })

  test('admits the pods', async () => {
    for (const { kind, metadata, spec } of written(run)) {
      if (kind !== 'Deployment') continue
      const { template } = spec as { template: { metadata: object; spec: object } }
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: metadata.name },
        spec: template.spec,
      }
      const { status, text } = await send('POST', `/api/v1/namespaces/${namespace}/pods?${OPTIONS}`, pod)
      expect(status, text).toBe(201)
    }
  })
})

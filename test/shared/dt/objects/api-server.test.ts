/** A real API server reads every object strictly, and its Pod Security admission every pod. Nothing is left behind. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type ApiConnection, connectApi } from '../../../../shared/adapters/kubernetes/connection.ts'
import { kindOfObject, pathOf } from '../../../../shared/adapters/kubernetes/kinds.ts'
import { analyticsResource, standingPolicies } from '../../../../shared/dt/objects/index.ts'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import { CASES, ID, SETTINGS, SPEC } from './input.ts'
import { templatesOf } from './pods.ts'

const { TEST_KUBECONFIG } = process.env
const notTested = (what: string) => process.stderr.write(`NOT TESTED: ${what}\n`)
if (!TEST_KUBECONFIG) notTested('the objects of a service on a real API server. Set TEST_KUBECONFIG to run it.')

const OPTIONS = 'fieldManager=test&fieldValidation=Strict&dryRun=All'
const CRD = new URL('../../../../knative/config/crd/analytics.yaml', import.meta.url)
const isOfServing = ({ apiVersion }: KubernetesObject) => apiVersion.startsWith('serving.knative.dev/')
const WAYS_OUT = [{ to: { cidr: '10.20.0.0/16' }, port: 5432 }]

describe.skipIf(!TEST_KUBECONFIG).each(['baseline', 'restricted'] as const)('a real API server, level %s', (level) => {
  const namespace = `dt-objects-${randomBytes(4).toString('hex')}`
  const cases = Object.entries(CASES).filter(([, { input }]) => input.settings.podSecurity === level)
  let connection: ApiConnection

  const send = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'
    const answer = await connection.send({
      method,
      path,
      headers: { 'content-type': type },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    })
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
    send('PATCH', `${pathOf(namespace, kindOfObject(object), object.metadata.name)}?${OPTIONS}&force=true`, object)
  const isServed = async (group: string) => (await send('GET', `/apis/${group}`)).status === 200

  test.each(cases)('%s: takes every object', async (_, { objects }) => {
    const servesKnative = await isServed('serving.knative.dev/v1')
    for (const object of objects) {
      if (isOfServing(object) && !servesKnative) {
        notTested('Knative Services of a service: Serving is not on the cluster.')
        if (process.env['CI']) expect.fail('Serving is not on the cluster')
        continue
      }
      const { status, text } = await apply(object)
      expect(status, text).toBe(201)
    }
  })

  test.each(cases)('%s: admits the pods', async (_, { objects }) => {
    for (const { metadata, spec } of templatesOf(objects)) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, generateName: 'pod-' },
        spec: { restartPolicy: 'Never', ...spec },
      }
      const { status, text } = await send('POST', `/api/v1/namespaces/${namespace}/pods?${OPTIONS}`, pod)
      expect(status, text).toBe(201)
    }
  })

  test('takes the policies', async () => {
    for (const policy of standingPolicies({ ...SETTINGS, egress: WAYS_OUT })) {
      const { status, text } = await apply(policy)
      expect(status, text).toBe(201)
    }
  })

  test('would not take a field it does not know', async () => {
    const [policy] = standingPolicies({ ...SETTINGS, egress: [] })
    const { status, text } = await apply({ ...(policy as KubernetesObject), spec: { podSelektor: {} } })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toContain('podSelektor')
  })

  test('takes the kind, and a resource of it where the kind is there', async () => {
    const definition = parse(readFileSync(CRD, 'utf8')) as KubernetesObject
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`
    const { status, text } = await send('PATCH', `${path}?${OPTIONS}&force=true`, definition)
    expect([200, 201], text).toContain(status)
    if (!(await isServed('eng.cam.ac.uk/v1alpha1'))) return notTested('a resource: its kind is not on the cluster.')
    const made = await send('POST', `${pathOf(namespace, 'Analytics')}?${OPTIONS}`, analyticsResource(ID, SPEC, {}))
    expect(made.status, made.text).toBe(201)
    return undefined
  })

  test('whose kind is the one of this version: it refuses what is too large, and names below the outputs', async () => {
    const name = 'analytics.eng.cam.ac.uk'
    const installed = await send('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`)
    if (!installed.text.includes('maxProperties'))
      return notTested('bounds of a resource: its kind is not on the cluster, or is older.')
    const texts = (count: number, value: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, `${value}${n}`]))
    const made = async (fields: Partial<typeof SPEC>) => {
      const resource = analyticsResource(ID, { ...SPEC, ...fields }, {})
      return send('POST', `${pathOf(namespace, 'Analytics')}?${OPTIONS}`, resource)
    }
    expect((await made({ mountFiles: texts(1000, 'd/'), env: texts(1000, 'x') })).status).toBe(201)
    for (const [fields, reason] of [
      [{ mountFiles: texts(1001, 'd/') }, 'at most 1000 items'],
      [{ mountFiles: { f: 'outputs/0/r.txt' } }, 'names below outputs/ are those of outputs'],
      [{ mountFiles: { ['f'.repeat(65)]: 'x' } }, 'ids of files have at most 64 characters'],
      [{ env: texts(1001, 'x') }, 'at most 1000 items'],
      [{ env: { ['N'.repeat(257)]: 'x' } }, 'names of variables have 1 to 256 characters'],
      [{ env: texts(9, 'x'.repeat(32_000)) }, 'at most 262144 characters together'],
      [{ description: 'x'.repeat(10_001) }, 'may not be more than 10000'],
    ] as const) {
      const { status, text } = await made(fields)
      expect(status, text).toBe(422)
      expect(text).toContain(reason)
    }
    return undefined
  })
})

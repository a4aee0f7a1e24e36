/**
 * Requests that the real API server refuses a function's service account although its role grants the verb, and that all
 * normal writes of functions pass. Each attack is one that an intruder in the function would try.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectApi } from '../../shared/adapters/kubernetes/po/index.ts'
import * as dtNames from '../../shared/dt/names.ts'
import { standingPolicies } from '../../shared/dt/objects/index.ts'
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import type { AnalysisId, RunNumber } from '../../shared/po/model.ts'
import { STANDING_POLICY_NAME } from '../../shared/po/names.ts'
import { standingPolicy } from '../../shared/po/objects/index.ts'
import { allRoutes } from '../../shared/routes/index.ts'
import * as dtInput from '../shared/dt/objects/input.ts'
import { RUN, SETTINGS, written } from '../shared/po/objects/input.ts'
import { installAdmission } from './admission.ts'
import { type ApiObject, createApi } from './api.ts'
import { clusterEnvironment } from './environment.ts'
import { grant } from './grants.ts'

const { kubeconfig } = clusterEnvironment()
const NAMESPACE = `po-rights-${randomBytes(4).toString('hex')}`
const api = createApi(kubeconfig, NAMESPACE)
const SITE_SECRET = 'po-secrets'
const SITE_CONFIG = 'po-settings'
const DT_SECRET = `dt-${'b'.repeat(24)}-token`
let folder: string
let connections: ReadonlyMap<string, ReturnType<typeof connectApi>>

beforeAll(async () => {
  await api.makeNamespace({})
  await installAdmission(kubeconfig)
  folder = await mkdtemp(join(tmpdir(), 'po-rights-'))
  const fileOf = await grant(api, kubeconfig, folder, allRoutes)
  connections = new Map(
    allRoutes.flatMap((route) => {
      const file = fileOf(route)
      return file ? [[route.name, connectApi({ env: { KUBECONFIG: file }, namespace: NAMESPACE })] as const] : []
    }),
  )
  const site = (kind: string, name: string) => ({ apiVersion: 'v1', kind, metadata: { name } })
  // Only admission is under test: the quota prevents pods.
  await api.json('POST', `/api/v1/namespaces/${NAMESPACE}/resourcequotas`, {
    metadata: { name: 'no-pods' },
    spec: { hard: { pods: '0' } },
  })
  await api.create({ ...site('Secret', SITE_SECRET), stringData: { NODE_KEY_PW: 'hunter2' } })
  await api.create(site('ConfigMap', SITE_CONFIG))
  await api.create(site('Secret', DT_SECRET))
  for (const policy of [standingPolicy(), ...standingPolicies({ egress: [], dnsPeers: [] })])
    await api.create(policy as ApiObject)
})
afterAll(async () => {
  await Promise.all([...connections.values()].map((connection) => connection.close()))
  await api.removeNamespace()
  await api.close()
  await rm(folder, { recursive: true })
})

const GROUPS: Readonly<Record<string, string>> = {
  Secret: 'api/v1/secrets',
  ConfigMap: 'api/v1/configmaps',
  Service: 'api/v1/services',
  Deployment: 'apis/apps/v1/deployments',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  KnativeService: 'apis/serving.knative.dev/v1/services',
}
const kindOf = ({ apiVersion, kind }: KubernetesObject): string =>
  apiVersion.startsWith('serving.') ? `Knative${kind}` : kind
const pathOf = (kind: string, name: string): string =>
  `/${(GROUPS[kind] ?? '').replace(/\/([a-z]+)$/, `/namespaces/${NAMESPACE}/$1`)}/${name}`

interface Answer {
  readonly status: number
  readonly message: string
}

type Method = 'GET' | 'PATCH' | 'DELETE'

/** A slow webhook of Serving is a 500 of the server, which is no decision. */
async function ask(...call: Parameters<typeof askOnce>): Promise<Answer> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const answer = await askOnce(...call)
    if (answer.status < 500) return answer
  }
  return askOnce(...call)
}

async function askOnce(account: string, method: Method, path: string, body?: object, type = 'merge-patch+json') {
  const connection = connections.get(account)
  if (!connection) throw new Error(`${account} has no way to the API server`)
  const headers = { 'content-type': `application/${type}` }
  const signal = AbortSignal.timeout(10_000)
  const answer = await connection.send({ method, path, headers, body: body && JSON.stringify(body), signal })
  const { message = '' } = JSON.parse(await answer.body.text()) as { message?: string }
  return { status: answer.status, message }
}

/** Server-side apply, as functions write. */
const apply = (account: string, object: KubernetesObject): Promise<Answer> => {
  const path = `${pathOf(kindOf(object), object.metadata.name)}?fieldManager=flame-po&force=true`
  return ask(account, 'PATCH', path, object, 'apply-patch+yaml')
}
const patch = (account: string, kind: string, name: string, body: object) =>
  ask(account, 'PATCH', pathOf(kind, name), body)
const remove = (account: string, kind: string, name: string) => ask(account, 'DELETE', pathOf(kind, name))

const refusal = (policy: string) => ({
  status: 403,
  message: expect.stringMatching(`ValidatingAdmissionPolicy 'functions-${policy}\\.`),
})

/** Without owner references: the owner does not exist, so the garbage collector would delete the object. */
const alone = ({ metadata, ...object }: KubernetesObject): KubernetesObject => {
  const { ownerReferences: _, ...rest } = metadata
  return { ...object, metadata: rest }
}

const RUNS = [RUN, { ...RUN, run: 2 as RunNumber, settings: { ...SETTINGS, netStatsImage: 'busybox:1.37' } }]
const OF_RUNS = RUNS.flatMap((run) => written(run)).map(alone)
const FORMER = written({ ...RUN, run: 3 as RunNumber, rootKind: 'Secret' }).map(alone)
/** Each with another service: the pod template of a Job is immutable. */
const OF_DT = Object.values(dtInput.CASES).flatMap(({ objects }, at) => {
  const id = String(at).padStart(24, 'a')
  return objects.map((object) =>
    alone(JSON.parse(JSON.stringify(object).replaceAll(dtInput.ID, id)) as KubernetesObject),
  )
})

describe('what functions write passes, when it is made and when it is applied again', () => {
  const rows = (account: string, objects: readonly KubernetesObject[]) =>
    objects.map(
      (object, at) => [`${account}: ${kindOf(object)} ${object.metadata.name} (${at})`, account, object] as const,
    )
  test.each([
    ...rows('po-create', [standingPolicy(), ...OF_RUNS]),
    ...rows('po-status-reconcile', [...FORMER, standingPolicy()]),
    ...rows('dt-reconcile', [
      ...standingPolicies({ egress: [{ to: { cidr: '10.0.0.0/8' }, port: 8086 }], dnsPeers: [] }),
      ...OF_DT,
    ] as readonly KubernetesObject[]),
  ])('%s', async (_, account, object) => {
    for (const time of ['made', 'applied again'])
      expect({ time, ...(await apply(account, object)) }).toMatchObject({ status: expect.toBeOneOf([200, 201]) })
  })

  test.each(['po-create', 'po-stop', 'po-delete', 'po-cleanup', 'po-status-reconcile'])(
    '%s removes a root, and one of version 0.1',
    async (account) => {
      const [root, secret] = written({ ...RUN, firstRun: 9 as RunNumber }).map(alone)
      for (const object of [root, secret]) {
        if (!object) throw new Error('a run has a root')
        await apply('po-create', object)
        expect((await remove(account, object.kind, object.metadata.name)).status).toBe(200)
      }
    },
  )
})

describe('nobody reads a Secret', () => {
  test.each(allRoutes.filter(({ kubernetes }) => kubernetes.length > 0).map(({ name }) => name))(
    '%s',
    async (account) => {
      for (const path of [pathOf('Secret', SITE_SECRET), pathOf('Secret', '').replace(/\/$/, '')])
        expect((await ask(account, 'GET', path)).status).toBe(403)
    },
  )
})

describe('names of others', () => {
  const WRITERS = ['po-create', 'po-status-reconcile', 'dt-reconcile'] as const
  test.each(WRITERS)('%s patches neither Secrets nor policies nor Services of the site', async (account) => {
    const data = { data: { DT_TOKEN_KEY: 'Zm9yZ2Vk' } }
    expect(await patch(account, 'Secret', SITE_SECRET, data)).toMatchObject(refusal('names'))
    const made = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'po-secrets-2' } }
    expect(await apply(account, made)).toMatchObject(refusal('(names|secrets)'))
    const policy = { ...standingPolicy(), metadata: { name: 'po-functions' } }
    expect(await apply(account, policy)).toMatchObject(refusal('(names|network)'))
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'po-service' },
      spec: { ports: [{ port: 80 }] },
    }
    // Several policies refuse it; the server names any of them.
    expect(await apply(account, service)).toMatchObject(refusal('(names|services)'))
  })

  test.each(['po-create', 'po-stop', 'po-delete', 'po-cleanup', 'po-status-reconcile'])(
    '%s deletes neither Secrets nor ConfigMaps of the site',
    async (account) => {
      expect(await remove(account, 'Secret', SITE_SECRET)).toMatchObject(refusal('names'))
      expect(await remove(account, 'ConfigMap', SITE_CONFIG)).toMatchObject(refusal('names'))
      expect(await remove(account, 'Secret', DT_SECRET)).toMatchObject(refusal('names'))
    },
  )

  test('a standing policy is not deleted, and one that is no one’s own is not made', async () => {
    for (const account of ['po-cleanup', 'po-status-reconcile'])
      expect(await remove(account, 'NetworkPolicy', STANDING_POLICY_NAME)).toMatchObject(refusal('names'))
    // Two policies refuse it; the API server names one.
    const policy = { ...standingPolicy(), metadata: { name: `dt-${dtInput.ID}` } }
    expect(await apply('dt-reconcile', policy)).toMatchObject(refusal('(names|network)'))
  })
})

test('a Secret that asks for the token of an account is refused', async () => {
  const annotations = { 'kubernetes.io/service-account.name': 'po-cleanup' }
  for (const [account, name] of [
    ['po-create', `analysis-${RUN.id}-1-credentials-2`],
    ['dt-reconcile', `dt-${dtInput.ID}-token-2`],
  ] as const) {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, annotations } }
    const answer = await apply(account, { ...secret, type: 'kubernetes.io/service-account-token' })
    expect(answer).toMatchObject(refusal('secrets'))
  }
})

// -------------------------------------------------------------------------------------------------------- pods

type Fields = Record<string, unknown>
interface Template {
  readonly metadata: { labels: Fields }
  readonly spec: Fields & { containers: Fields[] }
}
type Change = (template: Template) => void

const container =
  (fields: Fields): Change =>
  ({ spec }) =>
    void Object.assign(spec.containers[0] ?? {}, fields)
const pod =
  (fields: Fields): Change =>
  ({ spec }) =>
    void Object.assign(spec, fields)
const env = (valueFrom: object): Change => container({ env: [{ name: 'STOLEN', valueFrom }] })
const volume =
  (source: object): Change =>
  ({ spec }) =>
    void Object.assign(spec, { volumes: [...((spec['volumes'] ?? []) as object[]), { name: 'stolen', ...source }] })
const security = (fields: Fields): Change =>
  container({ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, ...fields } })

const ATTACKS: readonly (readonly [string, Change])[] = [
  ['the account of another function', pod({ serviceAccountName: 'po-cleanup' })],
  ['the same by its former name', pod({ serviceAccount: 'po-cleanup', serviceAccountName: 'po-cleanup' })],
  ['a mounted token', pod({ automountServiceAccountToken: true })],
  ['a token that is mounted unless it says otherwise', ({ spec }) => delete spec['automountServiceAccountToken']],
  ['all of a Secret of the site', container({ envFrom: [{ secretRef: { name: SITE_SECRET } }] })],
  ['an entry of it', env({ secretKeyRef: { name: SITE_SECRET, key: 'NODE_KEY_PW' } })],
  ['an entry of a Secret of another analysis or service', env({ secretKeyRef: { name: 'OTHER', key: 'token' } })],
  ['settings of the site', container({ envFrom: [{ configMapRef: { name: SITE_CONFIG } }] })],
  ['a setting of the site', env({ configMapKeyRef: { name: SITE_CONFIG, key: 'x' } })],
  ['a volume of a Secret of the site', volume({ secret: { secretName: SITE_SECRET } })],
  ['a projected Secret', volume({ projected: { sources: [{ secret: { name: SITE_SECRET } }] } })],
  ['a projected token', volume({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } })],
  ['a volume of settings of the site', volume({ configMap: { name: SITE_CONFIG } })],
  ['a folder of the host', volume({ hostPath: { path: '/' } })],
  ['a claim on a volume of others', volume({ persistentVolumeClaim: { claimName: 'database' } })],
  ['a login of the site', pod({ imagePullSecrets: [{ name: SITE_SECRET }] })],
  ['the network of the host', pod({ hostNetwork: true })],
  ['the processes of the host', pod({ hostPID: true })],
  ['the memory of the host', pod({ hostIPC: true })],
  ['privileges', security({ allowPrivilegeEscalation: true, privileged: true })],
  ['powers', security({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })],
  ['powers that are not dropped', security({ capabilities: {} })],
  ['a port of the host', container({ ports: [{ containerPort: 80, hostPort: 80 }] })],
  [
    'labels that no standing policy selects',
    ({ metadata }) => void Object.assign(metadata, { labels: { stolen: 'yes' } }),
  ],
  [
    'a Secret in a container that runs first',
    pod({
      initContainers: [
        {
          name: 'first',
          image: 'busybox:1',
          envFrom: [{ secretRef: { name: SITE_SECRET } }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    }),
  ],
]

interface Workload {
  readonly account: string
  readonly object: KubernetesObject
  /** A Secret of another owner. */
  readonly other: string
}

const OTHER_ID = 'ffffffff-6a0e-4d3e-9a35-0c2d4b7c1f10' as AnalysisId
const last = (objects: readonly KubernetesObject[], kind: string): KubernetesObject => {
  const found = objects.findLast((object) => kindOf(object) === kind)
  if (!found) throw new Error(`there is no ${kind}`)
  return found
}
const ofDt = (kind: string): Workload => ({
  account: 'dt-reconcile',
  object: last(OF_DT, kind),
  other: `dt-${'f'.repeat(24)}-token`,
})
const deploymentOf = (account: string): Workload => ({
  account,
  object: last(OF_RUNS, 'Deployment'),
  other: `analysis-${OTHER_ID}-1-credentials`,
})

const WORKLOADS: readonly Workload[] = [
  deploymentOf('po-create'),
  deploymentOf('po-status-reconcile'),
  ...['Deployment', 'Job', 'CronJob'].map(ofDt),
]

/** The object with changed pods, under another name, since the pod template of a Job is immutable. */
function attacked({ object, other }: Workload, change: Change): KubernetesObject {
  const copy = JSON.parse(JSON.stringify(object)) as KubernetesObject & { spec: Fields }
  const spec = (object.kind === 'CronJob' ? (copy.spec['jobTemplate'] as { spec: Fields }).spec : copy.spec) as Fields
  const template = spec['template'] as Template
  change(template)
  if (object.kind === 'Deployment') spec['selector'] = { matchLabels: template.metadata.labels }
  const attack = JSON.parse(JSON.stringify(copy).replaceAll('"OTHER"', JSON.stringify(other))) as KubernetesObject
  return { ...attack, metadata: { ...attack.metadata, name: `${object.metadata.name}-attack` } }
}

describe.each(WORKLOADS.map((workload) => [`${workload.account}: ${workload.object.kind}`, workload] as const))(
  '%s',
  (_, workload) => {
    test('as it is passes', async () => {
      const object = attacked(workload, () => {})
      expect(await apply(workload.account, object)).toMatchObject({ status: 201 })
      await api.remove(object.kind, object.metadata.name, 'Background')
    })

    test.each(ATTACKS)('with %s is refused', async (_what, change) => {
      expect(await apply(workload.account, attacked(workload, change))).toMatchObject(refusal('pods'))
    })
  },
)

test('a Knative Service with another account or a Secret of the site is refused', async () => {
  const workload = ofDt('KnativeService')
  for (const change of [
    pod({ serviceAccountName: 'po-cleanup' }),
    container({ envFrom: [{ secretRef: { name: SITE_SECRET } }] }),
    volume({ secret: { secretName: SITE_SECRET } }),
  ])
    expect(await apply(workload.account, attacked(workload, change))).toMatchObject(refusal('pods'))
})

// ----------------------------------------------------------------------------------------------------- network

const OPEN = { ingress: [{}], egress: [{}] }
const changed = (object: KubernetesObject, fields: Fields): KubernetesObject => ({
  ...object,
  spec: { ...(object['spec'] as Fields), ...fields },
})
const ofRun = last(written(RUN).map(alone), 'NetworkPolicy')
const anywhere = [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }]

describe('policies', () => {
  test.each([
    ['po-create', STANDING_POLICY_NAME, { spec: OPEN }],
    ['po-create', STANDING_POLICY_NAME, { spec: { policyTypes: ['Ingress'] } }],
    ['po-create', STANDING_POLICY_NAME, { spec: { podSelector: { matchLabels: { stolen: 'yes' } } } }],
    ['po-status-reconcile', STANDING_POLICY_NAME, { spec: { egress: [{}] } }],
    ['dt-reconcile', dtNames.STANDING_POLICY_NAME, { spec: OPEN }],
    ['dt-reconcile', dtNames.RUN_POLICY_NAME, { spec: { ingress: [{}] } }],
    ['dt-reconcile', dtNames.RUN_POLICY_NAME, { spec: { podSelector: { matchLabels: { component: 'x' } } } }],
  ])('%s does not open %s by %j', async (account, name, body) => {
    expect(await patch(account, 'NetworkPolicy', name, body)).toMatchObject(refusal('network'))
  })

  test.each([
    ['everything', { egress: [{}] }],
    ['addresses', { egress: anywhere }],
    ['all pods', { egress: [{ to: [{ podSelector: {} }] }] }],
    ['whoever asks', { ingress: [{}] }],
    ['pods of another analysis', { podSelector: { matchLabels: { app: `analysis-${OTHER_ID}-1` } } }],
    ['all analyses', { podSelector: {} }],
    ['one direction', { policyTypes: ['Ingress'] }],
  ])('that of a run does not open a way for %s', async (_, fields) => {
    expect(await apply('po-create', changed(ofRun, fields))).toMatchObject(refusal('network'))
  })
})

test.each([
  ['po-create', last(OF_RUNS, 'Service'), { type: 'LoadBalancer' }],
  ['po-create', last(OF_RUNS, 'Service'), { type: 'NodePort' }],
  ['po-create', last(OF_RUNS, 'Service'), { externalIPs: ['192.0.2.1'] }],
  ['po-create', last(OF_RUNS, 'Service'), { selector: { component: 'flame-po' } }],
  ['dt-reconcile', last(OF_DT, 'Service'), { selector: { app: 'database' } }],
] as const)('%s: a Service %# that leads elsewhere or to the outside is refused', async (account, service, fields) => {
  expect(await apply(account, changed(service, fields))).toMatchObject(refusal('services'))
})

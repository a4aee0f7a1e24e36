import { expect, test, vi } from 'vitest'
import { kindsOfDt, preflight, settingFaults, unserved } from '../../../knative/deploy/preflight.ts'
import { knativeFunction, object } from './objects.ts'

/** A kubectl that knows only these objects. */
const there = vi.hoisted(() => ({ names: new Set<string>() }))
vi.mock('../../../knative/deploy/kubectl.ts', () => ({
  servedVersions: async () => new Set(['v1', 'serving.knative.dev/v1']),
  get: async (kind: string, name: string) => (there.names.has(`${kind}/${name}`) ? {} : undefined),
}))

const base64 = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString('base64')]))
const GOOD = { POSTGRES_HOST: 'db', POSTGRES_USER: 'po', POSTGRES_DB: 'po', KEYCLOAK_URL: 'https://kc.example.org' }
const objects = (data: Record<string, string>) => [
  knativeFunction('po-status'),
  object('ConfigMap', 'po-settings', { data }),
]
const secret = (data: Record<string, string>) => object('Secret', 'po-secrets', { data: base64(data) })

test('complete settings have no fault', () =>
  expect(settingFaults(objects(GOOD), secret({ POSTGRES_PASSWORD: 'p' }))).toEqual([]))

test('every fault is named at once, without its value', () => {
  const faults = settingFaults(
    objects({ ...GOOD, POSTGRES_HOST: '', KEYCLOAK_URL: 'hidden-value', POSTGRES_PORT: '99999' }),
    secret({}),
  )
  const text = faults.join('\n')
  for (const name of ['POSTGRES_HOST', 'KEYCLOAK_URL', 'POSTGRES_PORT', 'POSTGRES_PASSWORD'])
    expect(text).toContain(name)
  expect(text).not.toMatch(/hidden-value|99999/)
})

test('only settings of functions that are deployed are looked at', () => {
  const text = settingFaults(objects(GOOD), secret({ POSTGRES_PASSWORD: 'p' })).join()
  expect(text).not.toContain('HUB_URL_CORE')
})

test('what the cluster does not serve is named with what would', () => {
  const served = new Set(['v1', 'serving.knative.dev/v1'])
  expect(unserved([...objects(GOOD), object('PingSource'), object('Broker'), object('HTTPRoute')], served)).toEqual([
    'the cluster does not serve sources.knative.dev/v1 (PingSource): install Knative Eventing',
    'the cluster does not serve eventing.knative.dev/v1 (Broker): install Knative Eventing',
    'the cluster does not serve gateway.networking.k8s.io/v1 (HTTPRoute): install the Gateway API and a gateway',
  ])
})

test.each([
  ['named and there', 'po-runs', ['priorityclass/po-runs'], []],
  ['not named', '', [], []],
  [
    'named and not there',
    'po-runs',
    [],
    ['there is no PriorityClass po-runs (RUN_PRIORITY_CLASS): kubectl apply -k knative/config/priority makes po-runs'],
  ],
])('a PriorityClass that is %s', async (_, name, names, faults) => {
  there.names = new Set(['namespace/flame', ...names])
  const found = await preflight(
    objects({ ...GOOD, RUN_PRIORITY_CLASS: name }),
    'flame',
    secret({ POSTGRES_PASSWORD: 'p' }),
  )
  expect(found).toEqual(faults)
})

const withImage = (image: string) =>
  object('Pod', 'po-migrate', { spec: { template: { spec: { containers: [{ image }] } } } })
const OWN = withImage('registry.internal/po:1')

test.each([
  {
    title: 'nothing is wrong',
    names: ['namespace/flame'],
    of: OWN,
    given: { POSTGRES_PASSWORD: 'p' },
    faults: [],
  },
  {
    title: 'the image is the one of the example',
    names: ['namespace/flame'],
    of: withImage('registry.example/po:latest'),
    given: { POSTGRES_PASSWORD: 'p' },
    faults: [/^registry\.example\/po:latest is the example's image/],
  },
  {
    title: 'namespace and Secret are missing',
    names: [],
    of: OWN,
    given: undefined,
    faults: [/^there is no namespace flame/, /^there is no Secret po-secrets in namespace flame/],
  },
  {
    title: 'the Secret about to be applied is looked at, and lacks a value',
    names: ['namespace/flame', 'secret/po-secrets'],
    of: OWN,
    given: {},
    faults: [/^POSTGRES_PASSWORD: expected a value$/],
  },
])('$title', async ({ names, of, given, faults }) => {
  there.names = new Set(names)
  const found = await preflight([...objects(GOOD), of], 'flame', given && secret(given))
  expect(found).toEqual(faults.map((fault) => expect.stringMatching(fault)))
})

test('a digital twin without authentication needs no realm', () => {
  const faults = (auth: string) =>
    settingFaults(
      [
        knativeFunction('dt-service-list'),
        object('ConfigMap', 'po-settings', {
          data: { POSTGRES_HOST: 'db', POSTGRES_USER: 'dt', POSTGRES_DB: 'dt', DT_AUTH: auth },
        }),
      ],
      secret({ POSTGRES_PASSWORD: 'p' }),
    )
  expect(faults('none')).toEqual([])
  expect(faults('keycloak')).toEqual([expect.stringContaining('KEYCLOAK_URL')])
})

test.each([
  ['the functions of twins need their kind', 'dt-healthz', [], ['the cluster does not serve eng.cam.ac.uk/v1alpha1']],
  ['where it is served, nothing is said', 'dt-healthz', ['eng.cam.ac.uk/v1alpha1'], []],
  ['others do without', 'po-status', [], []],
])('%s', (_, name, served, faults) => {
  const found = kindsOfDt([knativeFunction(name)], new Set(served))
  expect(found).toEqual(faults.map((fault) => expect.stringContaining(fault)))
  for (const fault of found) expect(fault).toContain('kubectl apply -k knative/config/crd')
})

/** What the fields of a service become: environment, ports, the shape of Jobs. */
import { describe, expect, test } from 'vitest'
import type { JobType } from '../../../../shared/dt/model.ts'
import { parseJobName } from '../../../../shared/dt/names.ts'
import {
  cronJob,
  fanInJob,
  knativeService,
  onDemandJob,
  portOf,
  type ServiceInput,
  serverDeployment,
  serverService,
  serverUrl,
} from '../../../../shared/dt/objects/index.ts'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import { CASES, ID, inputOf, USER_ENV } from './input.ts'
import { type Container, templateOf } from './pods.ts'

const mainOf = (object: KubernetesObject): Container => {
  const [main, ...others] = templateOf(object)?.spec.containers ?? []
  if (!main || others.length > 0) throw new Error('a pod of a service has one container')
  return main
}
const specOf = <T>(object: KubernetesObject | undefined) => object?.['spec'] as T

const build: Record<string, (input: ServiceInput) => KubernetesObject> = {
  Job: (input) => onDemandJob(input, { suspend: false }),
  CronJob: (input) => cronJob(input, { suspend: false }),
  'Knative Service': knativeService,
  Deployment: serverDeployment,
}
const TYPES: [string, JobType][] = [
  ['Job', 'ondemand'],
  ['CronJob', 'scheduled'],
  ['Knative Service', 'persistent'],
  ['Deployment', 'persistent'],
]
const envOf = (kind: string, jobType: JobType, env: Record<string, string>, mongo = false) => {
  const object = build[kind]?.(inputOf({ spec: { jobType, env, schedule: '0 0 * * *' }, settings: { mongo } }))
  return object ? mainOf(object).env : []
}

test.each(TYPES)('%s: what the user says comes last, in the order given, and wins', (kind, jobType) => {
  const { PORT: _, ...user } = USER_ENV
  const env = envOf(kind, jobType, { ...user, MONGO_HOST: 'own' }, true).filter(({ name }) => name !== 'PORT')
  const names = env.map(({ name }) => name)
  expect(names).toEqual(['MONGO_PORT', 'MONGO_USER', 'MONGO_PASSWORD', ...Object.keys(user), 'MONGO_HOST'])
  expect(env.find(({ name }) => name === 'RUN_ID')?.value).toBe('mine')
  expect(env.find(({ name }) => name === 'MONGO_HOST')?.value).toBe('own')
})

test.each(TYPES)('%s: has an id of its own, and Mongo only where the installation says so', (kind, jobType) => {
  const own =
    jobType === 'persistent' ? { value: `dt-${ID}` } : { valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }
  expect(envOf(kind, jobType, {}).filter(({ name }) => name !== 'PORT')).toEqual([{ name: 'RUN_ID', ...own }])
  const mongo = envOf(kind, jobType, {}, true).flatMap(({ name, value }) =>
    name.startsWith('MONGO') ? [[name, value]] : [],
  )
  expect(mongo).toEqual([
    ['MONGO_HOST', 'mongodb.default.svc.cluster.local'],
    ['MONGO_PORT', '27017'],
    ['MONGO_USER', 'root'],
    ['MONGO_PASSWORD', 'password'],
  ])
})

test.each([
  ['port wins', { port: 5000, env: { PORT: '9123' } }, 5000],
  ['else PORT', { port: null, env: { PORT: '9123' } }, 9123],
  ['but not one that is none', { port: null, env: { PORT: '70000' } }, 8080],
  ['nor a word', { port: null, env: { PORT: 'http' } }, 8080],
  ['else 8080', { port: null, env: {} }, 8080],
])('the port of a persistent service: %s', (_, spec, port) => {
  expect(portOf(spec)).toBe(port)
  const input = inputOf({ spec: { jobType: 'persistent', ...spec } })
  const served = mainOf(knativeService(input))
  expect(served.ports).toEqual([{ containerPort: port }])
  // Serving sets it itself, to the port of the container, and takes no object that names it.
  expect(served.env.map(({ name }) => name)).not.toContain('PORT')
  const deployed = mainOf(serverDeployment(input))
  expect(deployed.ports).toMatchObject([{ containerPort: port }])
  expect(deployed.env.filter(({ name }) => name === 'PORT')).toEqual([{ name: 'PORT', value: String(port) }])
  expect(specOf<{ ports: object[] }>(serverService(input)).ports).toMatchObject([{ port: 80, targetPort: port }])
})

test('Serving takes neither references nor init containers', () => {
  const pod = templateOf(knativeService(CASES.persistent.input))?.spec
  expect(JSON.stringify(pod)).not.toMatch(/fieldRef|secretKeyRef/)
  expect(pod).not.toHaveProperty('initContainers')
  expect(pod).not.toHaveProperty('volumes')
})

test('the Service of a Deployment selects its pods, and its URL is in the cluster', () => {
  const [, service, deployment] = CASES['persistent-with-inputs'].objects
  const { selector } = specOf<{ selector: Record<string, string> }>(service)
  expect(templateOf(deployment as KubernetesObject)?.metadata.labels).toEqual(selector)
  expect(specOf<{ selector: object }>(deployment).selector).toEqual({ matchLabels: selector })
  expect(serverUrl(CASES['persistent-with-inputs'].input)).toBe(`http://dt-${ID}.twins.svc.cluster.local`)
})

describe('Jobs', () => {
  const job = (spec: Parameters<typeof inputOf>[0]['spec'] = {}) =>
    specOf<Record<string, unknown>>(onDemandJob(inputOf({ spec }), { suspend: false }))

  test.each([
    [{ reps: 1 }, { completions: 1, parallelism: 1, maxFailedIndexes: 1 }],
    [{ reps: 3 }, { completions: 3, parallelism: 3, maxFailedIndexes: 3 }],
    [{ reps: 40 }, { completions: 40, parallelism: 5, maxFailedIndexes: 40 }],
    [
      { reps: 40, parallelism: 8 },
      { completions: 40, parallelism: 8 },
    ],
    [
      { reps: 2, parallelism: 8 },
      { completions: 2, parallelism: 2 },
    ],
    [{ reps: 1, retries: 0 }, { backoffLimitPerIndex: 0 }],
    [{ reps: 1, retries: null }, { backoffLimitPerIndex: 2 }],
  ])('%j is %j', (spec, expected) => expect(job(spec)).toMatchObject(expected))

  test('a run that failed for good ends none of the others', () => {
    expect(job({ reps: 7, retries: 1 })).toMatchObject({ completionMode: 'Indexed', maxFailedIndexes: 7 })
    expect(job()).not.toHaveProperty('backoffLimit')
    expect(job()).not.toHaveProperty('activeDeadlineSeconds')
  })

  test.each(Object.entries(CASES))('%s: names lead back to the service', (_, { objects }) => {
    for (const { metadata } of objects.filter(({ kind }) => /Job$/.test(kind)))
      expect(parseJobName(metadata.name)?.id).toBe(ID)
  })

  test('a fan-in is known as one, by the firing that it is of', () => {
    const scheduled = inputOf({
      spec: { jobType: 'scheduled', schedule: '0 6 * * *', fanIn: { image: 'x:1', env: {} } },
    })
    expect(parseJobName(fanInJob(scheduled, 29_600_000, { suspend: false }).metadata.name)).toEqual({
      id: ID,
      firing: 29_600_000,
      fanIn: true,
    })
    expect(() => fanInJob(inputOf({}), 0, { suspend: false })).toThrow('has no Job for it')
    expect(() => cronJob(inputOf({}), { suspend: false })).toThrow('has no CronJob')
  })

  test.each([
    [true, 'waits'],
    [false, 'begins at once'],
  ])('suspended %s: %s', (suspend) => {
    const input = inputOf({ spec: { jobType: 'scheduled', schedule: '0 6 * * *', fanIn: { image: 'x:1', env: {} } } })
    expect(specOf(onDemandJob(input, { suspend }))).toMatchObject({ suspend })
    expect(specOf(fanInJob(input, 1, { suspend }))).toMatchObject({ suspend })
    // The CronJob goes on all the same: what waits are its Jobs.
    expect(specOf(cronJob(input, { suspend }))).toMatchObject({ jobTemplate: { spec: { suspend } } })
    expect(specOf(cronJob(input, { suspend }))).not.toHaveProperty('suspend')
  })
})

/** What a pod may use of its node, and when its image is pulled. */
import { describe, expect, test } from 'vitest'
import { knativeService, onDemandJob, serverDeployment } from '../../../../shared/dt/objects/index.ts'
import { inputOf } from './input.ts'
import { templatesOf } from './pods.ts'

const GI = 2 ** 30
const MI = 2 ** 20
interface Container {
  readonly name: string
  readonly imagePullPolicy: string
  readonly resources: { readonly limits: Readonly<Record<string, string>> }
}
interface PodSpec {
  readonly activeDeadlineSeconds?: number
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
}
const specOf = (...objects: Parameters<typeof templatesOf>[0]) => templatesOf(objects)[0]?.spec as unknown as PodSpec
const diskOf = (container: Container | undefined) => container?.resources.limits['ephemeral-storage']

describe('the disk of a node', () => {
  const settings = { diskLimit: '4Gi', outputLimit: '1.5Gi' }

  test('of a run: its image is held to the limit, and the pod to that and its volumes', () => {
    const { containers, initContainers = [] } = specOf(onDemandJob(inputOf({ settings }), { suspend: false }))
    expect(diskOf(containers[0])).toBe(String(4 * GI))
    expect(diskOf(initContainers.find(({ name }) => name === 'upload-outputs'))).toBe(String(3 * GI + 256 * MI))
  })

  test('of a persistent service: with inputs its volume counts in', () => {
    expect(diskOf(specOf(knativeService(inputOf({ settings }))).containers[0])).toBe(String(4 * GI))
    const deployment = specOf(serverDeployment(inputOf({ settings, hasInputs: true })))
    expect(diskOf(deployment.containers[0])).toBe(String(5.5 * GI))
  })

  test('without a limit nothing is said of it', () => {
    const none = inputOf({ settings: { diskLimit: '' } })
    for (const object of [onDemandJob(none, { suspend: false }), knativeService(none), serverDeployment(none)])
      expect(JSON.stringify(object)).not.toContain('ephemeral-storage')
  })
})

test.each([
  ['auto', 'registry.example/laboratory:latest', 'Always'],
  ['auto', 'registry.example/laboratory:2.1', 'Always'],
  ['auto', `registry.example/laboratory@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  ['IfNotPresent', 'registry.example/laboratory:latest', 'IfNotPresent'],
  ['Always', `registry.example/laboratory@sha256:${'a'.repeat(64)}`, 'Always'],
] as const)('with %s, %s is pulled %s', (pullPolicy, image, expected) => {
  const input = inputOf({ spec: { image }, settings: { pullPolicy } })
  for (const object of [onDemandJob(input, { suspend: false }), knativeService(input), serverDeployment(input)])
    expect(specOf(object).containers[0]?.imagePullPolicy).toBe(expected)
})

test('an attempt of a run has no end but that which the installation says', () => {
  expect(specOf(onDemandJob(inputOf({}), { suspend: false }))).not.toHaveProperty('activeDeadlineSeconds')
  const limited = inputOf({ settings: { runMaxSeconds: 7200 } })
  expect(specOf(onDemandJob(limited, { suspend: false })).activeDeadlineSeconds).toBe(7200)
})

test('pods of runs and servers are in the class that the installation says; Serving takes none', () => {
  const inClass = inputOf({ settings: { priorityClass: 'po-runs' }, hasInputs: true })
  for (const object of [onDemandJob(inClass, { suspend: false }), serverDeployment(inClass)])
    expect(specOf(object)).toMatchObject({ priorityClassName: 'po-runs' })
  expect(JSON.stringify(knativeService(inClass))).not.toContain('priorityClassName')
  expect(JSON.stringify(onDemandJob(inputOf({}), { suspend: false }))).not.toContain('priorityClassName')
})

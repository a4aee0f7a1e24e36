import { expect, test } from 'vitest'
import type { DeployedObject } from '../../../knative/deploy/objects.ts'
import { referred, STAMP, sourcesOf, stamped } from '../../../knative/deploy/settings-stamp.ts'
import { knativeFunction, object } from './objects.ts'

const env = [
  { name: 'A', valueFrom: { configMapKeyRef: { name: 'po-settings', key: 'A' } } },
  { name: 'S', valueFrom: { secretKeyRef: { name: 'po-secrets', key: 'S' } } },
]
const reader = knativeFunction('f', { spec: { template: { spec: { containers: [{ env }] } } } })
const settings = (data: Record<string, string>) => object('ConfigMap', 'po-settings', { data })
const secret = (version: string): DeployedObject =>
  object('Secret', 'po-secrets', { metadata: { name: 'po-secrets', uid: 'u', resourceVersion: version } })

function stampOf(...sources: readonly DeployedObject[]): string | undefined {
  const { spec } = stamped(reader, sourcesOf(sources))
  const { template } = spec as { template: { metadata: { annotations: Record<string, string> } } }
  return template.metadata.annotations[STAMP]
}

test('names what functions refer to, each once', () => {
  expect(referred([reader, reader, object('Deployment')])).toEqual([
    { kind: 'ConfigMap', name: 'po-settings' },
    { kind: 'Secret', name: 'po-secrets' },
  ])
})

test('is the same for the same, and another for another value or another version of the Secret', () => {
  const one = stampOf(settings({ A: '1', B: '1' }), secret('1'))
  expect(one).toMatch(/^[0-9a-f]{16}$/)
  expect(stampOf(settings({ A: '1', B: '1' }), secret('1'))).toBe(one)
  expect(stampOf(settings({ A: '2', B: '1' }), secret('1'))).not.toBe(one)
  expect(stampOf(settings({ A: '1', B: '1' }), secret('2'))).not.toBe(one)
  expect(stampOf(settings({ A: '1', B: '1' }))).not.toBe(one)
})

test('does not know what its function does not read', () => {
  expect(stampOf(settings({ A: '1', B: '1' }), secret('1'))).toBe(stampOf(settings({ A: '1', B: '2' }), secret('1')))
})

test('is for functions alone', () => {
  const deployment = object('Deployment', 'd', { spec: reader.spec })
  expect(stamped(deployment, sourcesOf([]))).toBe(deployment)
})

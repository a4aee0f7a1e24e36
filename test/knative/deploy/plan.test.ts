import { describe, expect, test } from 'vitest'
import { imagesOf, namespaceOf, planOf, STAGES, stageOf } from '../../../knative/deploy/plan.ts'
import { knativeFunction, object } from './objects.ts'

describe('the stage of', () => {
  test.each([
    ['Namespace', 'foundation'],
    ['ConfigMap', 'foundation'],
    ['NetworkPolicy', 'foundation'],
    ['Job', 'migration'],
    ['Broker', 'events'],
    ['SinkBinding', 'events'],
    ['Deployment', 'functions'],
    ['PingSource', 'sources'],
    ['ApiServerSource', 'sources'],
    ['Trigger', 'sources'],
  ])('a %s is %s', (kind, stage) => expect(stageOf(object(kind))).toBe(stage))

  test('a Service is foundation, a Knative Service is functions', () => {
    expect(stageOf(object('Service'))).toBe('foundation')
    expect(stageOf(knativeFunction('po-status'))).toBe('functions')
  })
})

test('every object is in exactly one stage, and a Namespace before what lies in it', () => {
  const objects = [object('ConfigMap'), knativeFunction('f'), object('Namespace'), object('Job'), object('PingSource')]
  const plan = planOf(objects)
  expect(STAGES.flatMap((stage) => plan[stage])).toHaveLength(objects.length)
  expect(plan.foundation.map(({ kind }) => kind)).toEqual(['Namespace', 'ConfigMap'])
})

describe('the namespace', () => {
  test('is the one that all objects name', () => expect(namespaceOf([object('Job'), object('Secret')])).toBe('flame'))
  test('none is refused', () => {
    const nowhere = { ...object('Job'), metadata: { name: 'x' } }
    expect(() => namespaceOf([nowhere])).toThrow('names no namespace')
  })
  test('two are refused, by name', () => {
    const other = object('Job', 'y', { metadata: { name: 'y', namespace: 'other' } })
    expect(() => namespaceOf([object('Job'), other])).toThrow('not into flame, other')
  })
})

test('images are those of all containers, each once', () => {
  const spec = {
    template: { spec: { initContainers: [{ image: 'a:1' }], containers: [{ image: 'b:1' }, { image: 'a:1' }] } },
  }
  expect(imagesOf([object('Deployment', 'd', { spec }), knativeFunction('f', { spec })])).toEqual(['a:1', 'b:1'])
})

import { describe, expect, test } from 'vitest'
import type { DeployedObject } from '../../../knative/deploy/objects.ts'
import { currentPods, podTrouble, readinessOf } from '../../../knative/deploy/readiness.ts'
import { condition, knativeFunction, object } from './objects.ts'

const ready = { state: 'ready' }
const waiting = (why: string) => ({ state: 'waiting', why })
const failed = (why: string) => ({ state: 'failed', why })
const generation = (name: string, number: number) => ({ metadata: { name, generation: number } })

describe('an object is', () => {
  const cases: readonly (readonly [string, DeployedObject, unknown])[] = [
    ['a ConfigMap that is there', object('ConfigMap'), ready],
    ['a function that was never observed', knativeFunction('f', generation('f', 1)), waiting('not looked at yet')],
    [
      'a function whose last change was not observed',
      knativeFunction('f', {
        ...generation('f', 2),
        status: { observedGeneration: 1, conditions: [condition('Ready', 'True')] },
      }),
      waiting('not looked at yet'),
    ],
    [
      'a function that works',
      knativeFunction('f', {
        ...generation('f', 2),
        status: { observedGeneration: 2, conditions: [condition('Ready', 'True')] },
      }),
      ready,
    ],
    [
      'a function with a part that does not work: the part says why',
      knativeFunction('f', {
        status: {
          conditions: [
            condition('Ready', 'Unknown', { message: 'waiting' }),
            condition('RoutesReady', 'False', { message: 'no ingress' }),
          ],
        },
      }),
      waiting('no ingress'),
    ],
    [
      'a Job that has ended well',
      object('Job', 'j', { status: { conditions: [condition('Complete', 'True')] } }),
      ready,
    ],
    ['a Job that runs', object('Job', 'j', { status: {} }), waiting('not ended yet')],
    ['a Job that tries again', object('Job', 'j', { status: { failed: 2 } }), waiting('2 tries have failed')],
    [
      'a Job that has given up',
      object('Job', 'j', { status: { conditions: [condition('Failed', 'True', { message: 'backoff limit' })] } }),
      failed('backoff limit'),
    ],
    [
      'a Deployment with all of its pods',
      object('Deployment', 'd', {
        spec: { replicas: 2 },
        status: { replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
      }),
      ready,
    ],
    [
      'a Deployment with pods of its former version',
      object('Deployment', 'd', {
        spec: { replicas: 2 },
        status: { replicas: 3, updatedReplicas: 2, availableReplicas: 2 },
      }),
      waiting('2 of 2 pods are available'),
    ],
    [
      'a Deployment that makes no progress',
      object('Deployment', 'd', {
        status: {
          replicas: 1,
          conditions: [condition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded' })],
        },
      }),
      waiting('ProgressDeadlineExceeded'),
    ],
    [
      'an HTTPRoute without a Gateway',
      object('HTTPRoute', 'r', { status: {} }),
      waiting('no Gateway has taken it yet'),
    ],
    [
      'an HTTPRoute that its Gateway refuses',
      object('HTTPRoute', 'r', {
        status: { parents: [{ conditions: [condition('Accepted', 'False', { message: 'not allowed' })] }] },
      }),
      waiting('not allowed'),
    ],
  ]
  test.each(cases)('%s', (_, given, expected) => expect(readinessOf(given)).toEqual(expected))
})

describe('what keeps a pod is', () => {
  const pod = (status: DeployedObject['status']) => object('Pod', 'p', status ? { status } : {})
  const container = (state: object, lastState?: object) =>
    pod({ containerStatuses: [{ name: 'user-container', state, ...(lastState ? { lastState } : {}) }] })

  const cases: readonly (readonly [string, DeployedObject, string | undefined])[] = [
    ['nothing, when it runs', container({ running: {} }), undefined],
    ['nothing, when it is being made', container({ waiting: { reason: 'ContainerCreating' } }), undefined],
    [
      'its image',
      container({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }),
      'user-container: ImagePullBackOff: not found',
    ],
    [
      'the last words of its program',
      container(
        { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        { terminated: { exitCode: 78, message: 'one\ncould not start' } },
      ),
      'user-container: CrashLoopBackOff: could not start',
    ],
    [
      'how it ended, where it said nothing',
      container({ terminated: { exitCode: 137 } }),
      'user-container: exit code 137',
    ],
    [
      'that no node takes it',
      pod({ conditions: [condition('PodScheduled', 'False', { message: 'Insufficient cpu' })] }),
      'Insufficient cpu',
    ],
  ]
  test.each(cases)('%s', (_, given, expected) => expect(podTrouble(given)).toBe(expected))
})

describe('pods that count are', () => {
  const REVISION = 'deployment.kubernetes.io/revision'
  const owned = (uid: string) => ({ ownerReferences: [{ uid, controller: true }] })
  const pod = (name: string, metadata: Partial<DeployedObject['metadata']>) =>
    object('Pod', name, { metadata: { name, ...metadata } })
  const replicaSet = (uid: string, revision: string, owner = 'd') =>
    object('ReplicaSet', uid, { metadata: { name: uid, uid, annotations: { [REVISION]: revision }, ...owned(owner) } })
  const deployment = object('Deployment', 'gateway', {
    metadata: { name: 'gateway', uid: 'd', generation: 4, annotations: { [REVISION]: '4' } },
    status: { observedGeneration: 4 },
  })
  const deployed = [
    replicaSet('before', '3'),
    replicaSet('now', '4'),
    replicaSet('namesake', '4', 'another'),
    pod('old', owned('before')),
    pod('new', owned('now')),
    pod('other', owned('namesake')),
  ]
  const unseen = { ...deployment, metadata: { ...deployment.metadata, generation: 5 } }
  const revision = (name: string) => ({ labels: { 'serving.knative.dev/revision': name } })
  const served = knativeFunction('f', {
    metadata: { name: 'f', generation: 2 },
    status: { observedGeneration: 2, latestCreatedRevisionName: 'f-00002' },
  })
  const revisions = [pod('old', revision('f-00001')), pod('new', revision('f-00002'))]
  const job = object('Job', 'migrate', { metadata: { name: 'migrate', uid: 'j2' }, status: {} })
  const tries = [pod('old', owned('j1')), pod('new', owned('j2'))]
  const going = pod('going', { ...owned('j2'), deletionTimestamp: '2026-01-01T00:00:00Z' })

  const cases: readonly (readonly [string, DeployedObject, readonly DeployedObject[], readonly string[]])[] = [
    ['those of the current ReplicaSet of a Deployment', deployment, deployed, ['new']],
    ['none, before the controller has seen the Deployment', unseen, deployed, []],
    ['none, before its ReplicaSet is there', deployment, deployed.slice(0, 1), []],
    ['those of the latest revision of a function', served, revisions, ['new']],
    [
      'none, before Serving has seen the function',
      { ...served, metadata: { ...served.metadata, generation: 3 } },
      revisions,
      [],
    ],
    ['those of this Job, not of one of the same name before it', job, tries, ['new']],
    ['those that are not being deleted', job, [going], []],
  ]
  test.each(cases)('%s', (_, owner, found, names) =>
    expect(currentPods(owner, found).map(({ metadata }) => metadata.name)).toEqual(names),
  )
})

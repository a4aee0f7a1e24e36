/** Jobs and the pods they make: where pods run, the controller, the kubelet and what they write are tried as well. */
import { describe, expect, test } from 'vitest'
import { poll } from '../../../poll.ts'
import { type ApiBody, MERGE, PATIENCE, SECRETS, type Verbs } from './target.ts'

const JOBS = 'apis/batch/v1/jobs'
const PODS = 'api/v1/pods'
/** The first retry of a real Job waits for 10 s. */
const LONG = { timeout: 50_000, interval: 100 }

interface Shape {
  readonly script?: string
  readonly init?: readonly object[]
  readonly pod?: object
  readonly container?: object
}

interface Ended {
  readonly name: string
  readonly ready: boolean
  readonly state: {
    readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string }
  }
}

interface PodStatus {
  readonly phase: string
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
  readonly initContainerStatuses?: readonly Ended[]
  readonly containerStatuses: readonly Ended[]
}

const job = (name: string, spec: object, pod: object) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { ...spec, template: { spec: pod } },
})

const INDEXED = { completionMode: 'Indexed', completions: 3, parallelism: 2 }
const NEVER = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.invalid/none:1' }] }

export function jobRefusals({ send, create, read, apply }: Verbs): void {
  describe('Jobs', () => {
    test('have defaults, and find their pods by their uid', async () => {
      const { body } = await create(JOBS, job('filled', { ...INDEXED, backoffLimitPerIndex: 1, suspend: true }, NEVER))
      const { uid } = body.metadata
      expect(body.spec).toMatchObject({
        backoffLimit: 2_147_483_647,
        podReplacementPolicy: 'TerminatingOrFailed',
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
        template: {
          metadata: {
            labels: { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': 'filled' },
          },
        },
      })
      const plain = (await create(JOBS, job('plain', { suspend: true }, NEVER))).body
      expect(plain.spec).toMatchObject({ completions: 1, parallelism: 1, backoffLimit: 6 })
    })

    test.each<[string, object, object, string]>([
      ['without a restart policy', {}, { ...NEVER, restartPolicy: undefined }, 'spec.template.spec.restartPolicy'],
      [
        'that restarts its pods for ever',
        {},
        { ...NEVER, restartPolicy: 'Always' },
        'spec.template.spec.restartPolicy',
      ],
      ['with indexes, but no number of them', { completionMode: 'Indexed', parallelism: 2 }, NEVER, 'spec.completions'],
      ['that fails by index, without indexes', { backoffLimitPerIndex: 1 }, NEVER, 'spec.backoffLimitPerIndex'],
    ])('one %s is refused', async (_, spec, pod, field) => {
      expect(await create(JOBS, job('refused', spec, pod))).toMatchObject({
        status: 422,
        body: { details: { causes: expect.arrayContaining([expect.objectContaining({ field })]) } },
      })
    })

    test('may be applied again; what it makes may not change, how many at once may', async () => {
      const made = job('fixed', { ...INDEXED, suspend: true }, NEVER)
      await apply(JOBS, made, 'alice')
      const { resourceVersion } = (await read(JOBS, 'fixed')).metadata
      expect((await apply(JOBS, made, 'alice')).status).toBe(200)
      const spec = (change: object) => send('PATCH', `${JOBS}/fixed`, { spec: change }, { type: MERGE })
      expect((await spec({ completionMode: 'NonIndexed' })).status).toBe(422)
      expect((await spec({ parallelism: 5 })).body.spec).toMatchObject({ parallelism: 5 })
      expect(Number((await read(JOBS, 'fixed')).metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion))
    })
  })
}

export function jobRuns({ send, create, read }: Verbs, image: string): void {
  const container = (name: string, script: string, more: object = {}) => ({
    name,
    image,
    command: ['sh', '-c', script],
    ...more,
  })
  const start = (name: string, spec: object, { script = 'true', init = [], pod = {}, container: more }: Shape) =>
    create(
      JOBS,
      job(name, spec, {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 5,
        ...(init.length > 0 ? { initContainers: init } : {}),
        containers: [container('main', script, more)],
        ...pod,
      }),
    )
  const statusOf = async (name: string) => (await read(JOBS, name))['status'] as Record<string, unknown> | undefined
  const conditionsOf = async (name: string) =>
    ((await statusOf(name))?.['conditions'] ?? []) as { type: string; status: string; reason: string }[]
  const ended = (name: string) =>
    poll(
      async () => (await conditionsOf(name)).find(({ type }) => type === 'Complete' || type === 'Failed')?.type,
      LONG,
    ).toMatch(/./)
  const podsOf = async (name: string): Promise<readonly ApiBody[]> =>
    (await send('GET', `${PODS}?labelSelector=batch.kubernetes.io%2Fjob-name%3D${name}`)).body.items
  const podOf = async (name: string) => ((await podsOf(name))[0]?.['status'] ?? {}) as PodStatus
  const endOf = (all: readonly Ended[] | undefined, name: string) =>
    all?.find((one) => one.name === name)?.state.terminated
  const logOf = async (pod: string, name: string) =>
    ((await send('GET', `${PODS}/${pod}/log?container=${name}`)).body['message'] ?? '') as string

  describe.concurrent('runs of Jobs', { timeout: 60_000 }, () => {
    test('each index succeeds once; a pod says its index and whose it is', async () => {
      const script = 'echo "$JOB_COMPLETION_INDEX $NAME $HOSTNAME"'
      const env = [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
      const { body } = await start('each', INDEXED, { script, container: { env } })
      await ended('each')
      expect(await statusOf('each')).toMatchObject({ succeeded: 3, completedIndexes: '0-2' })
      expect((await statusOf('each'))?.['completionTime']).toMatch(/Z$/)
      expect((await conditionsOf('each')).map(({ type, reason }) => `${type} ${reason}`)).toEqual([
        'SuccessCriteriaMet CompletionsReached',
        'Complete CompletionsReached',
      ])
      for (const pod of await podsOf('each')) {
        const { name, labels, ownerReferences } = pod.metadata
        const [, index] = /^each-(\d)-[a-z0-9]{5}$/.exec(name) ?? []
        expect(labels?.['batch.kubernetes.io/job-completion-index']).toBe(index)
        expect(ownerReferences).toMatchObject([{ kind: 'Job', uid: body.metadata.uid, controller: true }])
        expect(await logOf(name, 'main')).toBe(`${index} ${name} each-${index}\n`)
      }
    })

    test('an index that fails is tried again as often as it may be, and does not end the others', async () => {
      const script = '[ $JOB_COMPLETION_INDEX != 1 ]'
      const limits = { ...INDEXED, completions: 4, backoffLimitPerIndex: 1, maxFailedIndexes: 4 }
      await start('uneven', limits, { script })
      await ended('uneven')
      expect(await statusOf('uneven')).toMatchObject({
        succeeded: 3,
        failed: 2,
        completedIndexes: '0,2,3',
        failedIndexes: '1',
      })
      expect((await conditionsOf('uneven')).map(({ type, reason }) => `${type} ${reason}`)).toEqual([
        'FailureTarget FailedIndexes',
        'Failed FailedIndexes',
      ])
      const failures = (await podsOf('uneven'))
        .filter(({ metadata }) => metadata.name.startsWith('uneven-1-'))
        .map(({ metadata }) => (metadata as { annotations?: Record<string, string> }).annotations)
        .map((annotations) => annotations?.['batch.kubernetes.io/job-index-failure-count'])
      expect(failures.toSorted()).toEqual(['0', '1'])
    })

    test('init containers, a sidecar and the main one share a volume; the sidecar ends last, with a signal', async () => {
      const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
      const env = [{ name: 'AT', value: '/shared/said' }]
      const one = (name: string, script: string, more: object = {}) =>
        container(name, script, { env, volumeMounts, ...more })
      const side = `trap 'sleep 1; cat "$AT"; exit 0' TERM; echo side >> "$AT"; while :; do sleep 0.1; done`
      await start(
        'together',
        { completionMode: 'Indexed', completions: 1 },
        {
          script: 'while ! grep -q side "$AT"; do sleep 0.1; done; echo main >> "$AT"',
          container: { env, volumeMounts },
          init: [
            one('first', 'echo first > "$AT"'),
            one('side', side, { restartPolicy: 'Always' }),
            one('last', 'true'),
          ],
          pod: { volumes: [{ name: 'shared', emptyDir: {} }] },
        },
      )
      await ended('together')
      const pod = await podOf('together')
      expect(pod.phase).toBe('Succeeded')
      expect(pod.initContainerStatuses?.map(({ name }) => name)).toEqual(['first', 'side', 'last'])
      expect(pod.initContainerStatuses?.map(({ ready }) => ready)).toEqual([true, false, true])
      expect(endOf(pod.initContainerStatuses, 'side')).toMatchObject({ exitCode: 0, reason: 'Completed' })
      const name = (await podsOf('together'))[0]?.metadata.name ?? ''
      expect(await logOf(name, 'side')).toBe('first\nside\nmain\n')
    })

    test('the main container begins when the startup probe of a sidecar, a command, has passed', async () => {
      const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
      const env = [{ name: 'AT', value: '/shared/awake' }]
      const side = `trap 'exit 0' TERM; sleep 2; echo awake > "$AT"; while :; do sleep 0.1; done`
      const startupProbe = { exec: { command: ['grep', '-q', 'awake', '/shared/awake'] }, periodSeconds: 1 }
      await start(
        'patient',
        { completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 0 },
        {
          script: 'grep -q awake "$AT"',
          container: { env, volumeMounts },
          init: [container('side', side, { env, volumeMounts, startupProbe, restartPolicy: 'Always' })],
          pod: { volumes: [{ name: 'shared', emptyDir: {} }] },
        },
      )
      await ended('patient')
      expect(await statusOf('patient')).toMatchObject({ succeeded: 1 })
      expect(endOf((await podOf('patient')).initContainerStatuses, 'side')).toMatchObject({ exitCode: 0 })
    })

    test('variables are put into variables and commands; a doubled dollar sign puts in none', async () => {
      const env = [
        { name: 'A', value: 'one' },
        { name: 'B', value: '$(A) $$(A) $(NONE) $$$$ $' },
      ]
      await start('worded', {}, { script: 'echo "$B; $(A)" \'$$(A)\'', container: { env } })
      await ended('worded')
      const name = (await podsOf('worded'))[0]?.metadata.name ?? ''
      expect(await logOf(name, 'main')).toBe('one $(A) $(NONE) $$ $; one $(A)\n')
    })

    test('a pod whose image has blanks around it is refused; a Job with such pods is taken', async () => {
      const containers = [{ ...container('main', 'true'), image: ' example.invalid/none:1' }]
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'blank' }, spec: { containers } }
      expect(await create(PODS, pod)).toMatchObject({
        status: 422,
        body: { details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.containers[0].image' }] } },
      })
      expect((await create(JOBS, job('blank', {}, { restartPolicy: 'Never', containers }))).status).toBe(201)
      await send('DELETE', `${JOBS}/blank`)
    })

    test('a failed init container fails the pod; the others never began, the sidecar is ended', async () => {
      await start(
        'unready',
        { completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 0 },
        {
          init: [
            container('side', 'exec sleep 600', { restartPolicy: 'Always' }),
            container('first', 'echo nothing there >&2; exit 3', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
          ],
        },
      )
      await ended('unready')
      const pod = await podOf('unready')
      expect(pod.phase).toBe('Failed')
      expect(endOf(pod.initContainerStatuses, 'first')).toMatchObject({
        exitCode: 3,
        reason: 'Error',
        message: 'nothing there\n',
      })
      expect(pod.containerStatuses).toMatchObject([{ state: { waiting: { reason: 'PodInitializing' } } }])
      expect(pod.conditions.find(({ type }) => type === 'Initialized')?.status).toBe('False')
    })

    test('a termination message is what was written to its file', async () => {
      const container = { env: [{ name: 'LOG', value: '/dev/termination-log' }] }
      await start('says', { backoffLimit: 0 }, { script: 'echo in short > "$LOG"; echo at length; exit 4', container })
      await ended('says')
      expect(endOf((await podOf('says')).containerStatuses, 'main')).toMatchObject({
        exitCode: 4,
        message: 'in short\n',
      })
    })

    test('a Secret is files', async () => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { token: 't0ken' } }
      await create(SECRETS, secret)
      await start(
        'reads',
        { backoffLimit: 0 },
        {
          script: 'cat "$FILE" > "$LOG"',
          container: {
            env: [
              { name: 'FILE', value: '/var/run/keys/token' },
              { name: 'LOG', value: '/dev/termination-log' },
            ],
            volumeMounts: [{ name: 'keys', mountPath: '/var/run/keys', readOnly: true }],
          },
          pod: { volumes: [{ name: 'keys', secret: { secretName: 'keys' } }] },
        },
      )
      await ended('reads')
      expect(endOf((await podOf('reads')).containerStatuses, 'main')?.message).toBe('t0ken')
    })

    test('a suspended Job has no pods until it is resumed, and none when it is suspended again', async () => {
      const suspend = (value: boolean) => send('PATCH', `${JOBS}/waits`, { spec: { suspend: value } }, { type: MERGE })
      await start('waits', { ...INDEXED, suspend: true }, { script: 'exec sleep 600' })
      const condition = async () => (await conditionsOf('waits')).map(({ type, status }) => `${type} ${status}`)
      await poll(condition, PATIENCE).toEqual(['Suspended True'])
      expect(await podsOf('waits')).toEqual([])
      await suspend(false)
      await poll(async () => (await statusOf('waits'))?.['ready'], PATIENCE).toBe(2)
      expect(await condition()).toEqual(['Suspended False'])
      await suspend(true)
      await poll(async () => (await podsOf('waits')).length, LONG).toBe(0)
      expect((await statusOf('waits'))?.['failed']).toBeUndefined()
    })

    test('after its deadline a Job fails, and its pods end', async () => {
      await start('late', { activeDeadlineSeconds: 2 }, { script: 'exec sleep 600' })
      await ended('late')
      expect((await conditionsOf('late')).map(({ reason }) => reason)).toEqual(['DeadlineExceeded', 'DeadlineExceeded'])
    })

    test('deleted in the foreground, its pods go first; after its time to live it goes by itself', async () => {
      await start('removed', INDEXED, { script: 'exec sleep 600' })
      await poll(async () => (await statusOf('removed'))?.['ready'], PATIENCE).toBe(2)
      await send('DELETE', `${JOBS}/removed?propagationPolicy=Foreground`)
      await poll(async () => (await send('GET', `${JOBS}/removed`)).status, LONG).toBe(404)
      expect(await podsOf('removed')).toEqual([])
      await start('short', { ttlSecondsAfterFinished: 1 }, {})
      await poll(async () => (await send('GET', `${JOBS}/short`)).status, LONG).toBe(404)
      await poll(async () => (await podsOf('short')).length, LONG).toBe(0)
    })
  })
}

/**
 * What the sandbox's API promises of the real one, as requests and answers. Both pass, so a difference that somebody
 * meets is added here first.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Namespaced: `api/v1/secrets/x?limit=1`; from the root when it begins with a slash. */
  readonly path: string
  readonly body?: unknown
  readonly type?: string
  readonly accept?: string
}

export interface ApiTarget {
  send(request: ApiRequest): Promise<{ readonly status: number; readonly body: ApiBody }>
  /** Events of a watch until `count` of them came. */
  watch(path: string, count: number): Promise<readonly { readonly type: string; readonly object: ApiBody }[]>
  stop(): Promise<void>
}

export interface ApiBody {
  readonly kind?: string
  readonly reason?: string
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly continue?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly unknown[]
    readonly managedFields?: readonly {
      readonly manager: string
      readonly operation: string
      readonly fieldsV1: unknown
    }[]
  }
  readonly items: readonly ApiBody[]
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

const SECRETS = 'api/v1/secrets'
const MAPS = 'api/v1/configmaps'
const DEPLOYMENTS = 'apis/apps/v1/deployments'
const APPLY = 'application/apply-patch+yaml'
const MERGE = 'application/merge-patch+json'
const PATIENCE = { timeout: 20_000, interval: 50 }

const map = (name: string, data: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

const container = (more: object = {}) => ({ name: 'main', image: 'example.invalid/none:1', ...more })
const deployment = (name: string, containers: object[] = [container()], more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
    ...more,
  },
})

interface PodTemplate {
  readonly volumes?: readonly object[]
  readonly containers: readonly {
    readonly name: string
    readonly image: string
    readonly env?: unknown
    readonly ports?: unknown
    readonly volumeMounts?: unknown
  }[]
}

const podOf = (deployed: ApiBody): PodTemplate =>
  (deployed.spec as { template: { spec: PodTemplate } } | undefined)?.template.spec ?? { containers: [] }

export function kubernetesApiConformance(title: string, make: () => Promise<ApiTarget>): void {
  describe(`Kubernetes API: ${title}`, () => {
    let target: ApiTarget
    beforeAll(async () => {
      target = await make()
    })
    afterAll(() => target?.stop())

    const send = (method: ApiRequest['method'], path: string, body?: unknown, more: Partial<ApiRequest> = {}) =>
      target.send({ method, path, body, ...more })
    const create = (path: string, body: object, manager = 'tester') =>
      send('POST', `${path}?fieldManager=${manager}`, body)
    const apply = (path: string, body: object, manager: string, force = false) => {
      const { name } = (body as { metadata: { name: string } }).metadata
      return send('PATCH', `${path}/${name}?fieldManager=${manager}&force=${force}`, body, { type: APPLY })
    }
    const read = async (path: string, name: string) => (await send('GET', `${path}/${name}`)).body
    const owners = (body: ApiBody) =>
      (body.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`)

    describe('refusals', () => {
      test.each<[string, Partial<ApiRequest> & { path: string }, number, object]>([
        [
          'an object that is not there',
          { path: `${MAPS}/none` },
          404,
          { reason: 'NotFound', message: 'configmaps "none" not found', details: { name: 'none', kind: 'configmaps' } },
        ],
        [
          'one of a group',
          { path: `${DEPLOYMENTS}/none` },
          404,
          {
            reason: 'NotFound',
            message: 'deployments.apps "none" not found',
            details: { name: 'none', group: 'apps', kind: 'deployments' },
          },
        ],
        [
          'a namespace that is not there',
          { method: 'POST', path: '/api/v1/namespaces/not-there/configmaps', body: map('x') },
          404,
          { reason: 'NotFound', message: 'namespaces "not-there" not found' },
        ],
        [
          'a name in capitals',
          { method: 'POST', path: MAPS, body: map('Name') },
          422,
          { reason: 'Invalid', details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] } },
        ],
        [
          'a name that is too long',
          { method: 'POST', path: MAPS, body: map('a'.repeat(254)) },
          422,
          { reason: 'Invalid' },
        ],
        [
          'no name',
          { method: 'POST', path: MAPS, body: { ...map(''), metadata: {} } },
          422,
          { reason: 'Invalid', details: { causes: [{ reason: 'FieldValueRequired', field: 'metadata.name' }] } },
        ],
        [
          'a bad label',
          { method: 'POST', path: MAPS, body: map('x', {}, { labels: { a: '-' } }) },
          422,
          { reason: 'Invalid', details: { causes: [{ field: 'metadata.labels' }] } },
        ],
        [
          'another kind',
          { method: 'POST', path: MAPS, body: { ...map('x'), kind: 'Secret' } },
          400,
          { reason: 'BadRequest' },
        ],
        ['no JSON', { method: 'POST', path: MAPS, body: 'text' }, 400, { reason: 'BadRequest' }],
        ['a bad selector', { path: `${MAPS}?labelSelector=a%20in%20b` }, 400, { reason: 'BadRequest' }],
        [
          'an apply without a manager',
          { method: 'PATCH', path: `${MAPS}/x`, body: map('x'), type: APPLY },
          422,
          { reason: 'Invalid' },
        ],
        [
          'an unknown patch type',
          { method: 'PATCH', path: `${MAPS}/x`, body: map('x'), type: 'text/plain' },
          415,
          { reason: 'UnsupportedMediaType' },
        ],
        [
          'a patch of nothing',
          { method: 'PATCH', path: `${MAPS}/none`, body: {}, type: MERGE },
          404,
          { reason: 'NotFound' },
        ],
        ['a deletion of nothing', { method: 'DELETE', path: `${MAPS}/none` }, 404, { reason: 'NotFound' }],
        [
          'a Deployment without containers',
          { method: 'POST', path: DEPLOYMENTS, body: deployment('x', []) },
          422,
          {
            reason: 'Invalid',
            details: { causes: [{ reason: 'FieldValueRequired', field: 'spec.template.spec.containers' }] },
          },
        ],
        [
          'a mount of no volume',
          {
            method: 'POST',
            path: DEPLOYMENTS,
            body: deployment('x', [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })]),
          },
          422,
          {
            reason: 'Invalid',
            details: {
              causes: [
                { reason: 'FieldValueNotFound', field: 'spec.template.spec.containers[0].volumeMounts[0].name' },
              ],
            },
          },
        ],
        ['a path that is not there', { path: '/apis/nothing/v1/things' }, 404, {}],
      ])('%s', async (_, request, status, body) => {
        const answer = await target.send({ method: 'GET', ...request })
        expect(answer).toMatchObject({ status, body: { kind: 'Status', status: 'Failure', code: status, ...body } })
      })

      test('a second create of a name', async () => {
        expect((await create(MAPS, map('twice'))).status).toBe(201)
        expect(await create(MAPS, map('twice'))).toMatchObject({
          status: 409,
          body: { reason: 'AlreadyExists', message: 'configmaps "twice" already exists' },
        })
      })

      test('a replace of what has changed since it was read', async () => {
        const { body } = await create(MAPS, map('stale', { a: '1' }))
        await send('PUT', `${MAPS}/stale`, { ...body, data: { a: '2' } })
        expect(await send('PUT', `${MAPS}/stale`, { ...body, data: { a: '3' } })).toMatchObject({
          status: 409,
          body: { reason: 'Conflict' },
        })
      })

      test('a deletion of another incarnation', async () => {
        await create(MAPS, map('other'))
        const options = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }
        expect(await send('DELETE', `${MAPS}/other`, options)).toMatchObject({
          status: 409,
          body: { reason: 'Conflict' },
        })
      })
    })

    describe('selectors', () => {
      beforeAll(async () => {
        for (const [name, labels] of [
          ['s1', { s: '1', t: 'x' }],
          ['s2', { s: '2' }],
          ['s3', { s: '3', t: 'y' }],
        ] as const) {
          await create(MAPS, map(name, {}, { labels: { ...labels, set: 'sel' } }))
        }
      })
      test.each([
        ['s=1', ['s1']],
        ['s==1', ['s1']],
        ['s!=1', ['s2', 's3']],
        ['s in (1, 3)', ['s1', 's3']],
        ['s notin (1,3)', ['s2']],
        ['t', ['s1', 's3']],
        ['!t', ['s2']],
        ['t!=x', ['s2', 's3']],
        ['t,s in (3)', ['s3']],
      ])('%s', async (selector, names) => {
        const query = new URLSearchParams({ labelSelector: `set=sel,${selector}` })
        const { body } = await send('GET', `${MAPS}?${query}`)
        expect(body.items.map(({ metadata }) => metadata.name)).toEqual(names)
      })

      test('by name', async () => {
        const { body } = await send('GET', `${MAPS}?fieldSelector=metadata.name%3Ds2`)
        expect(body.items.map(({ metadata }) => metadata.name)).toEqual(['s2'])
      })

      test('pages are of one moment, and say what is left', async () => {
        const first = (await send('GET', `${MAPS}?labelSelector=set%3Dsel&limit=2`)).body
        expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['s1', 's2'])
        await create(MAPS, map('s4', {}, { labels: { set: 'sel' } }))
        const query = new URLSearchParams({
          labelSelector: 'set=sel',
          limit: '2',
          continue: first.metadata.continue ?? '',
        })
        const second = (await send('GET', `${MAPS}?${query}`)).body
        expect(second.items.map(({ metadata }) => metadata.name)).toEqual(['s3'])
        expect(second.metadata.continue ?? '').toBe('')
      })

      test('metadata only', async () => {
        const accept = (kind: string) => ({ accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` })
        const one = (await send('GET', `${MAPS}/s1`, undefined, accept('PartialObjectMetadata'))).body
        expect(one).toMatchObject({
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { name: 's1' },
        })
        expect(one.data).toBeUndefined()
        const list = (await send('GET', `${MAPS}?labelSelector=s%3D1`, undefined, accept('PartialObjectMetadataList')))
          .body
        expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 's1' } }] })
      })
    })

    describe('server-side apply', () => {
      test('a conflict names manager and field; forced, the field changes hands', async () => {
        await apply(MAPS, map('dispute', { a: '1', b: '1' }), 'alice')
        const refused = await apply(MAPS, map('dispute', { a: '2' }), 'bob')
        expect(refused).toMatchObject({
          status: 409,
          body: {
            reason: 'Conflict',
            details: {
              causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "alice"', field: '.data.a' }],
            },
          },
        })
        expect((await apply(MAPS, map('dispute', { a: '2' }), 'bob', true)).status).toBe(200)
        const { data, metadata } = await read(MAPS, 'dispute')
        expect(data).toEqual({ a: '2', b: '1' })
        expect(metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual([
          ['alice', { 'f:data': { 'f:b': {} } }],
          ['bob', { 'f:data': { 'f:a': {} } }],
        ])
      })

      test('a value that two apply is shared: it stays until both let go', async () => {
        await apply(MAPS, map('common', { a: '1', b: '1' }), 'alice')
        expect((await apply(MAPS, map('common', { a: '1' }), 'bob')).status).toBe(200)
        await apply(MAPS, map('common', { b: '1' }), 'alice')
        expect((await read(MAPS, 'common')).data).toEqual({ a: '1', b: '1' })
        await apply(MAPS, map('common', { b: '1' }), 'bob')
        expect((await read(MAPS, 'common')).data).toEqual({ b: '1' })
      })

      test('an applier that names nothing any more owns nothing, and its fields go', async () => {
        await apply(MAPS, map('empty', { a: '1' }), 'alice')
        const bare = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'empty' } }
        await apply(MAPS, bare, 'alice')
        expect((await read(MAPS, 'empty')).data).toBeUndefined()
      })

      test('another client takes what it changes, and no more', async () => {
        await apply(MAPS, map('taken', { a: '1', b: '1' }), 'alice')
        await send('PATCH', `${MAPS}/taken?fieldManager=bob`, { data: { a: '2', c: '3' } }, { type: MERGE })
        const { metadata } = await read(MAPS, 'taken')
        expect(metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual([
          ['alice', { 'f:data': { 'f:b': {} } }],
          ['bob', { 'f:data': { 'f:a': {}, 'f:c': {} } }],
        ])
      })

      test('lists merge by their keys: containers, env, ports, mounts, volumes', async () => {
        const first = deployment('lists', [
          container({
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '1' },
            ],
            ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          }),
        ])
        const spec = first.spec.template.spec as { volumes?: object[] }
        spec.volumes = [{ name: 'v', emptyDir: {} }]
        await apply(DEPLOYMENTS, first, 'alice')
        const second = {
          ...deployment('lists', [{ name: 'main', env: [{ name: 'C', value: '3' }] }, container({ name: 'side' })]),
        }
        const { template } = second.spec
        const patch = { ...second, spec: { template: { spec: { containers: template.spec.containers } } } }
        expect(await apply(DEPLOYMENTS, patch, 'bob')).toMatchObject({ status: 200 })
        await apply(
          DEPLOYMENTS,
          {
            ...first,
            spec: {
              ...first.spec,
              template: {
                ...first.spec.template,
                spec: {
                  containers: [
                    container({ env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 53, protocol: 'UDP' }] }),
                  ],
                },
              },
            },
          },
          'alice',
        )
        const live = await read(DEPLOYMENTS, 'lists')
        const pod = podOf(live)
        expect(pod.volumes).toBeUndefined()
        expect(
          pod.containers.map(({ name, env, ports, volumeMounts }) => ({ name, env, ports, volumeMounts })),
        ).toEqual([
          {
            name: 'main',
            env: [
              { name: 'B', value: '2' },
              { name: 'C', value: '3' },
            ],
            ports: [{ containerPort: 53, protocol: 'UDP' }],
            volumeMounts: undefined,
          },
          { name: 'side', env: undefined, ports: undefined, volumeMounts: undefined },
        ])
      })

      test('owned fields of a Deployment are written as the API writes them', async () => {
        const body = deployment('owned', [
          container({ env: [{ name: 'A', value: '1' }], ports: [{ name: 'web', containerPort: 80 }] }),
        ])
        await apply(DEPLOYMENTS, { ...body, metadata: { name: 'owned', labels: { app: 'owned' } } }, 'alice')
        const alice = (await read(DEPLOYMENTS, 'owned')).metadata.managedFields?.find(
          ({ manager }) => manager === 'alice',
        )
        expect(alice?.fieldsV1).toEqual({
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"main"}': {
                    '.': {},
                    'f:name': {},
                    'f:image': {},
                    'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } },
                    'f:ports': {
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:name': {} },
                    },
                  },
                },
              },
            },
          },
        })
      })

      test('Service ports merge by port and protocol, the selector is one value', async () => {
        const service = (ports: object[], selector: object) => ({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'merged' },
          spec: { ports, selector },
        })
        await apply(
          'api/v1/services',
          service(
            [
              { name: 'a', port: 80, targetPort: 8080 },
              { name: 'b', port: 81 },
            ],
            { a: '1', b: '1' },
          ),
          'alice',
        )
        await apply('api/v1/services', service([{ name: 'a', port: 80, targetPort: 9090 }], { a: '1' }), 'alice')
        expect((await read('api/v1/services', 'merged')).spec).toMatchObject({
          selector: { a: '1' },
          ports: [{ name: 'a', port: 80, targetPort: 9090, protocol: 'TCP' }],
          type: 'ClusterIP',
        })
        expect((await read('api/v1/services', 'merged')).spec?.['selector']).toEqual({ a: '1' })
      })

      test('the rules of a NetworkPolicy are one value', async () => {
        const policy = (ports: object[]) => ({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'rules' },
          spec: { podSelector: { matchLabels: { a: '1' } }, egress: [{ ports }], policyTypes: ['Egress'] },
        })
        const path = 'apis/networking.k8s.io/v1/networkpolicies'
        await apply(
          path,
          policy([
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ]),
          'alice',
        )
        await apply(path, policy([{ port: 80, protocol: 'TCP' }]), 'alice')
        expect((await read(path, 'rules')).spec).toEqual({
          podSelector: { matchLabels: { a: '1' } },
          egress: [{ ports: [{ port: 80, protocol: 'TCP' }] }],
          policyTypes: ['Egress'],
        })
      })

      test('Secrets: stringData is written, data is read', async () => {
        const body = {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'text' },
          stringData: { a: 'ä' },
          data: { b: 'Yg==' },
        }
        expect((await apply(SECRETS, body, 'alice')).status).toBe(201)
        const secret = await read(SECRETS, 'text')
        expect(secret.data).toEqual({ a: Buffer.from('ä').toString('base64'), b: 'Yg==' })
        expect(secret['stringData']).toBeUndefined()
        expect(secret['type']).toBe('Opaque')
      })
    })

    test('a key that leaves an applied stringData stays in data: builders write data', async () => {
      const body = (stringData: object) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'left' },
        stringData,
      })
      await apply(SECRETS, body({ a: '1', b: '2' }), 'alice')
      await apply(SECRETS, body({ a: '3' }), 'alice')
      expect((await read(SECRETS, 'left')).data).toEqual({ a: 'Mw==', b: 'Mg==' })
    })

    describe('other patches', () => {
      test.each<[string, string, unknown, object]>([
        ['a merge patch', MERGE, { data: { a: null, c: '3' } }, { b: '1', c: '3' }],
        [
          'a JSON patch',
          'application/json-patch+json',
          [
            { op: 'test', path: '/data/a', value: '1' },
            { op: 'copy', from: '/data/a', path: '/data/c' },
            { op: 'move', from: '/data/b', path: '/data/d' },
            { op: 'remove', path: '/data/a' },
            { op: 'replace', path: '/data/c', value: '5' },
            { op: 'add', path: '/metadata/annotations', value: { 'a/b': '6' } },
            { op: 'add', path: '/metadata/annotations/c~1d', value: '7' },
          ],
          { c: '5', d: '1' },
        ],
        [
          'a strategic merge patch',
          'application/strategic-merge-patch+json',
          { data: { a: '9', b: null } },
          { a: '9' },
        ],
      ])('%s', async (title, type, patch, data) => {
        const name = title.replaceAll(' ', '-').toLowerCase()
        await create(MAPS, map(name, { a: '1', b: '1' }))
        expect((await send('PATCH', `${MAPS}/${name}`, patch, { type })).body.data).toEqual(data)
      })

      test('a JSON patch whose test fails changes nothing', async () => {
        await create(MAPS, map('tested', { a: '1' }))
        const patch = [
          { op: 'test', path: '/data/a', value: '2' },
          { op: 'replace', path: '/data/a', value: '3' },
        ]
        expect((await send('PATCH', `${MAPS}/tested`, patch, { type: 'application/json-patch+json' })).status).toBe(422)
        expect((await read(MAPS, 'tested')).data).toEqual({ a: '1' })
      })

      test('a strategic merge patch finds containers by name', async () => {
        await create(DEPLOYMENTS, deployment('strategic', [container(), container({ name: 'side' })]))
        const patch = {
          spec: { template: { spec: { containers: [{ name: 'side', image: 'example.invalid/new:2' }] } } },
        }
        const { body } = await send('PATCH', `${DEPLOYMENTS}/strategic`, patch, {
          type: 'application/strategic-merge-patch+json',
        })
        const { containers } = podOf(body)
        expect(Object.fromEntries(containers.map(({ name, image }) => [name, image]))).toEqual({
          main: 'example.invalid/none:1',
          side: 'example.invalid/new:2',
        })
      })
    })

    describe('bookkeeping', () => {
      test('a body that does not say its kind is of the kind of the path, but for an apply', async () => {
        const bare = { metadata: { name: 'bare' }, data: { a: '1' } }
        expect(await create(MAPS, bare)).toMatchObject({ status: 201, body: { apiVersion: 'v1', kind: 'ConfigMap' } })
        expect(await apply(MAPS, bare, 'alice')).toMatchObject({ status: 400, body: { reason: 'BadRequest' } })
      })

      test('a Service without ready pods cannot be reached', async () => {
        const ports = [{ port: 80 }]
        await create('api/v1/services', {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'lonely' },
          spec: { ports, selector: { a: 'b' } },
        })
        expect(await send('GET', 'api/v1/services/lonely:80/proxy/x')).toMatchObject({
          status: 503,
          body: { reason: 'ServiceUnavailable', message: 'no endpoints available for service "lonely"' },
        })
        expect(await send('GET', 'api/v1/services/none:80/proxy/x')).toMatchObject({
          status: 404,
          body: { reason: 'NotFound' },
        })
      })

      test('a create is its manager’s update', async () => {
        expect(owners((await create(MAPS, map('by', { a: '1' }), 'carol')).body)).toEqual(['carol Update'])
      })

      test('generation counts changes of the spec, not of labels', async () => {
        expect((await create(DEPLOYMENTS, deployment('generation'))).body.metadata.generation).toBe(1)
        const patch = (body: object) => send('PATCH', `${DEPLOYMENTS}/generation`, body, { type: MERGE })
        expect((await patch({ metadata: { labels: { a: '1' } } })).body.metadata.generation).toBe(1)
        expect((await patch({ spec: { minReadySeconds: 1 } })).body.metadata.generation).toBe(2)
      })

      test('a patch that changes nothing writes nothing', async () => {
        const { body } = await create(MAPS, map('still', { a: '1' }))
        const after = await send('PATCH', `${MAPS}/still`, { data: { a: '1' } }, { type: MERGE })
        expect(after.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion)
      })

      test('what a client says of uid and creation time is not taken over', async () => {
        const { body } = await create(MAPS, map('forged', {}, { uid: 'x', creationTimestamp: '2000-01-01T00:00:00Z' }))
        expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
        expect(body.metadata).not.toMatchObject({ creationTimestamp: '2000-01-01T00:00:00Z' })
      })

      test('a generated name begins as asked', async () => {
        const { body } = await create(MAPS, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { generateName: 'some-' },
        })
        expect(body.metadata.name).toMatch(/^some-[a-z0-9]{5}$/)
      })
    })

    describe('deletion', () => {
      const child = (name: string, owner: ApiBody, more: object = {}) =>
        map(
          name,
          {},
          {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid, ...more },
            ],
          },
        )
      const gone = (name: string) =>
        expect.poll(async () => (await send('GET', `${MAPS}/${name}`)).status, PATIENCE).toBe(404)

      test('in the background: the owner goes at once, dependents after it', async () => {
        const { body } = await create(MAPS, map('back'))
        await create(MAPS, child('back-child', body))
        await send('DELETE', `${MAPS}/back?propagationPolicy=Background`)
        expect((await send('GET', `${MAPS}/back`)).status).toBe(404)
        await gone('back-child')
      })

      test('orphaning: dependents stay and forget their owner', async () => {
        const { body } = await create(MAPS, map('orphaning'))
        await create(MAPS, child('orphan', body))
        await send('DELETE', `${MAPS}/orphaning?propagationPolicy=Orphan`)
        await gone('orphaning')
        expect((await read(MAPS, 'orphan')).metadata.ownerReferences).toBeUndefined()
      })

      test('in the foreground, a dependent that does not block is not waited for', async () => {
        const { body } = await create(MAPS, map('front'))
        await create(MAPS, {
          ...child('front-child', body),
          metadata: { ...child('front-child', body).metadata, finalizers: ['example.com/held'] },
        })
        await send('DELETE', `${MAPS}/front?propagationPolicy=Foreground`)
        await gone('front')
        await send('PATCH', `${MAPS}/front-child`, { metadata: { finalizers: null } }, { type: MERGE })
        await gone('front-child')
      })

      test('a finalizer holds an object; when it goes, the object goes', async () => {
        await create(MAPS, map('final', {}, { finalizers: ['example.com/held'] }))
        expect((await send('DELETE', `${MAPS}/final`)).body.metadata).toHaveProperty('deletionTimestamp')
        expect((await read(MAPS, 'final')).metadata).toHaveProperty('deletionTimestamp')
        await send('PATCH', `${MAPS}/final`, { metadata: { finalizers: null } }, { type: MERGE })
        await gone('final')
      })

      test('an object with two owners stays as long as one of them', async () => {
        const one = (await create(MAPS, map('one'))).body
        const two = (await create(MAPS, map('two'))).body
        const both = child('both', one)
        const more = child('both', two).metadata as unknown as { ownerReferences: object[] }
        const metadata = both.metadata as unknown as { ownerReferences: object[] }
        await create(MAPS, {
          ...both,
          metadata: { name: 'both', ownerReferences: [...metadata.ownerReferences, ...more.ownerReferences] },
        })
        await send('DELETE', `${MAPS}/one?propagationPolicy=Background`)
        await expect.poll(async () => (await read(MAPS, 'both')).metadata.ownerReferences?.length, PATIENCE).toBe(1)
        await send('DELETE', `${MAPS}/two?propagationPolicy=Background`)
        await gone('both')
      })

      test('a collection by its labels', async () => {
        await create(MAPS, map('many-1', {}, { labels: { many: 'yes' } }))
        await create(MAPS, map('many-2', {}, { labels: { many: 'yes' } }))
        expect((await send('DELETE', `${MAPS}?labelSelector=many%3Dyes`)).status).toBe(200)
        await gone('many-1')
        await gone('many-2')
        expect((await send('GET', `${MAPS}/twice`)).status).toBe(200)
      })
    })

    test('a watch tells every change from a version on, for objects that fit', async () => {
      const { metadata } = (await send('GET', MAPS)).body
      const query = new URLSearchParams({
        watch: 'true',
        resourceVersion: metadata.resourceVersion,
        labelSelector: 'seen=yes',
        timeoutSeconds: '10',
      })
      const events = target.watch(`${MAPS}?${query}`, 4)
      await create(MAPS, map('unseen'))
      await create(MAPS, map('seen', {}, { labels: { seen: 'yes' } }))
      const label = (seen: string) => send('PATCH', `${MAPS}/seen`, { metadata: { labels: { seen } } }, { type: MERGE })
      await send('PATCH', `${MAPS}/seen`, { data: { a: '1' } }, { type: MERGE })
      await label('no')
      await label('yes')
      await send('DELETE', `${MAPS}/seen`)
      expect((await events).map(({ type, object }) => [type, object.metadata.name])).toEqual([
        ['ADDED', 'seen'],
        ['MODIFIED', 'seen'],
        ['DELETED', 'seen'],
        ['ADDED', 'seen'],
      ])
    })
  })
}

/** Server-side apply: who owns which field, and how lists merge. */
import { describe, expect, test } from 'vitest'
import { container, DEPLOYMENTS, deployment, MAPS, MERGE, map, podOf, SECRETS, type Verbs } from './target.ts'

export function serverSideApply({ send, apply, read }: Verbs): void {
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

    test('a value that two managers apply is shared: it remains until both drop it', async () => {
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
      expect(pod.containers.map(({ name, env, ports, volumeMounts }) => ({ name, env, ports, volumeMounts }))).toEqual([
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
}

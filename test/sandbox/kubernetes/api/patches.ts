/** Patches other than apply, and the fields that the API maintains. */
import { describe, expect, test } from 'vitest'
import { type ApiBody, container, DEPLOYMENTS, deployment, MAPS, MERGE, map, podOf, type Verbs } from './target.ts'

export function patches({ send, create, apply, read }: Verbs): void {
  const owners = (body: ApiBody) =>
    (body.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`)
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
      ['a strategic merge patch', 'application/strategic-merge-patch+json', { data: { a: '9', b: null } }, { a: '9' }],
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
      // The server that passes requests on learns of a new Service a moment later.
      const proxied = () => send('GET', 'api/v1/services/lonely:80/proxy/x')
      await expect.poll(async () => (await proxied()).status, { timeout: 10_000 }).toBe(503)
      expect((await proxied()).body).toMatchObject({
        reason: 'ServiceUnavailable',
        message: 'no endpoints available for service "lonely"',
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
}

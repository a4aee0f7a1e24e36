/** What the API refuses, and in which words. */
import { describe, expect, test } from 'vitest'
import { APPLY, type ApiRequest, container, DEPLOYMENTS, deployment, MAPS, MERGE, map, type Verbs } from './target.ts'

/** A pod template. */
const podsLabelled = (labels: object, env: object[] = []) => ({
  metadata: { labels },
  spec: { containers: [container({ env })] },
})

export function refusals({ ask, send, create, apply }: Verbs): void {
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
            causes: [{ reason: 'FieldValueNotFound', field: 'spec.template.spec.containers[0].volumeMounts[0].name' }],
          },
        },
      ],
      ['a path that is not there', { path: '/apis/nothing/v1/things' }, 404, {}],
    ])('%s', async (_, request, status, body) => {
      const answer = await ask({ method: 'GET', ...request })
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

    test.each<[string, object, string, string]>([
      [
        'another selector',
        { selector: { matchLabels: { app: 'kept', more: 'x' } }, template: podsLabelled({ app: 'kept', more: 'x' }) },
        'FieldValueInvalid',
        'spec.selector',
      ],
      [
        'Recreate beside what a rolling update is',
        { strategy: { type: 'Recreate' } },
        'FieldValueForbidden',
        'spec.strategy.rollingUpdate',
      ],
      [
        'a reference beside the value of a variable',
        {
          template: podsLabelled({ app: 'kept' }, [
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          ]),
        },
        'FieldValueInvalid',
        'spec.template.spec.containers[0].env[0].valueFrom',
      ],
    ])('%s, forced upon a Deployment of another manager', async (title, change, reason, field) => {
      const name = title.split(' ')[0]?.toLowerCase() ?? ''
      const selector = { matchLabels: { app: 'kept' } }
      const template = podsLabelled({ app: 'kept' }, [{ name: 'TOKEN', value: 'plain' }])
      const made = deployment(name, [], { selector, template })
      await create(DEPLOYMENTS, made)
      const asked = { ...made, spec: { selector, ...change } }
      expect(await apply(DEPLOYMENTS, asked, 'other', true)).toMatchObject({
        status: 422,
        body: { reason: 'Invalid', details: { causes: [{ reason, field }] } },
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
}

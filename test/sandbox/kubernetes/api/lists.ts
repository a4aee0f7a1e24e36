/** Selectors, pages, metadata only, and watches. */
import { beforeAll, describe, expect, test } from 'vitest'
import { MAPS, MERGE, map, type Verbs } from './target.ts'

export function lists({ send, create, watch }: Verbs): void {
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

  test('a watch tells every change from a version on, for objects that fit', async () => {
    const { metadata } = (await send('GET', MAPS)).body
    const query = new URLSearchParams({
      watch: 'true',
      resourceVersion: metadata.resourceVersion,
      labelSelector: 'seen=yes',
      timeoutSeconds: '10',
    })
    const events = watch(`${MAPS}?${query}`, 4)
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
}

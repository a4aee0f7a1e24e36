/** Deletion policies, finalizers and owners. */
import { describe, expect, test } from 'vitest'
import { type ApiBody, container, DEPLOYMENTS, deployment, MAPS, MERGE, map, PATIENCE, type Verbs } from './target.ts'

export function deletion({ send, create, read }: Verbs): void {
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

    test('an orphaned ReplicaSet is taken in by a Deployment whose selector finds it, and by no other', async () => {
      const SETS = 'apis/apps/v1/replicasets'
      type Owner = { kind: string; name: string }
      const ownersOf = async (set: string): Promise<string[]> =>
        ((await read(SETS, set)).metadata.ownerReferences as Owner[] | undefined)?.map(({ name }) => name) ?? []
      const setOf = async (app: string) =>
        (await send('GET', `${SETS}?labelSelector=app%3D${app}`)).body.items[0]?.metadata.name ?? ''
      const replaced = async (app: string, forget: boolean) => {
        const labels = { app, role: 'proxy' }
        const template = { metadata: { labels }, spec: { containers: [container()] } }
        await create(DEPLOYMENTS, deployment(app, [], { template }))
        await expect.poll(() => setOf(app), PATIENCE).not.toBe('')
        const set = await setOf(app)
        if (forget) await send('PATCH', `${SETS}/${set}`, { metadata: { labels: { role: null } } }, { type: MERGE })
        expect(await ownersOf(set)).toEqual([app])
        await send('DELETE', `${DEPLOYMENTS}/${app}?propagationPolicy=Orphan`)
        await expect.poll(async () => (await send('GET', `${DEPLOYMENTS}/${app}`)).status, PATIENCE).toBe(404)
        expect(await ownersOf(set)).toEqual([])
        const spec = { containers: [container({ image: 'example.invalid/none:2' })] }
        const next = { selector: { matchLabels: labels }, template: { ...template, spec } }
        await create(DEPLOYMENTS, deployment(app, [], next))
        return set
      }
      const [found, missed] = [await replaced('found', false), await replaced('missed', true)]
      await expect.poll(() => ownersOf(found), PATIENCE).toEqual(['found'])
      expect(await ownersOf(missed)).toEqual([])
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
}

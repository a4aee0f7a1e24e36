import { describe, expect, test } from 'vitest'
import { addTo, type CatalogueTarget, LEASES, orphanedAt, plus, START } from './subject.ts'

export function discarding(name: string, fresh: () => Promise<CatalogueTarget>): void {
  describe(`${name}: what is loose`, () => {
    test('and discarded is handed out at once, to one of those who ask', async () => {
      const { catalogue, other } = await fresh()
      const bodies = await Promise.all(Array.from({ length: 10 }, () => catalogue.begin(plus(300))))
      await Promise.all(bodies.map((body) => catalogue.discard(body)))
      const claimed = await Promise.all([orphanedAt(catalogue, START), orphanedAt(other, START)])
      expect(claimed.flat().toSorted()).toEqual(bodies.toSorted())
    })
    test('and of an upload under way is not; one that fell silent is given up first and handed out later', async () => {
      const { catalogue } = await fresh()
      const body = await catalogue.begin(plus(300))
      expect(await orphanedAt(catalogue, plus(299))).toEqual([])
      expect(await catalogue.extend(body, plus(500))).toBe(true)
      expect(await orphanedAt(catalogue, plus(400))).toEqual([])
      const leases = { claimed: plus(1200), abandoned: plus(1000) }
      expect(await catalogue.claimOrphans(plus(501), leases, 10)).toEqual([])
      expect(await catalogue.extend(body, plus(900))).toBe(false)
      expect(await catalogue.claimOrphans(plus(999), leases, 10)).toEqual([])
      expect(await catalogue.claimOrphans(plus(1000), leases, 10)).toEqual([body])
      expect(await catalogue.claimOrphans(plus(1199), leases, 10)).toEqual([])
      expect(await catalogue.claimOrphans(plus(1200), leases, 10)).toEqual([body])
      await catalogue.forget(body)
      expect(await catalogue.claimOrphans(plus(9999), leases, 10)).toEqual([])
    })
    test('is handed out oldest first, no more than asked for', async () => {
      const { catalogue } = await fresh()
      const files = []
      for (let n = 0; n < 5; n += 1) files.push((await addTo(catalogue, `loose-${n}`)).file)
      for (const [n, { id }] of files.entries()) await catalogue.remove(id, plus(10 - n))
      expect((await catalogue.claimOrphans(plus(99), LEASES, 2)).toSorted()).toEqual(
        [files[4]?.body, files[3]?.body].toSorted(),
      )
    })
    test('has no content that somebody has', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'held')
      expect(await catalogue.markOrphans(plus(0), 100)).toBe(0)
      expect(await orphanedAt(catalogue, plus(1e9))).toEqual([])
      expect(await catalogue.find(file.id)).toEqual(file)
    })
  })
}

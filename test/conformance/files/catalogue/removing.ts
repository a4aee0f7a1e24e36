import { describe, expect, test } from 'vitest'
import type { ObjectId } from '../../../../shared/files/model.ts'
import { addTo, type CatalogueTarget, contentOf, newId, orphanedAt, plus, received, START } from './subject.ts'

export function removing(name: string, fresh: () => Promise<CatalogueTarget>): void {
  describe(`${name}: restore`, () => {
    test('makes a file of this id beside one that has the content', async () => {
      const { catalogue } = await fresh()
      const first = await addTo(catalogue, 'shared')
      const id = newId()
      const file = { id, filename: 'restored', at: plus(-1000), origin: 'output' as const }
      expect(await catalogue.restore(await received(catalogue, 'shared'), file)).toBe(true)
      const found = await catalogue.find(id)
      expect(found).toMatchObject({ filename: 'restored', origin: 'output', body: first.file.body })
      expect((await catalogue.list(0, 10)).map((each) => each.id)).toEqual([id, first.file.id])
    })
    test('does nothing when the id is taken', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'first')
      const got = await received(catalogue, 'second')
      const again = { id: file.id, filename: 'second', at: START, origin: 'upload' as const }
      expect(await catalogue.restore(got, again)).toBe(false)
      expect(await catalogue.find(file.id)).toEqual(file)
      expect(await orphanedAt(catalogue, plus(9999))).toEqual([got.body])
    })
    test('of an output is never the answer to an upload', async () => {
      const { catalogue } = await fresh()
      const output = { id: newId(), filename: 'o', at: START, origin: 'output' as const }
      await catalogue.restore(await received(catalogue, 'both'), output)
      const added = await addTo(catalogue, 'both')
      expect(added.existed).toBe(false)
      expect(added.file.id).not.toBe(output.id)
    })
  })

  describe(`${name}: list`, () => {
    test('is in the order of their coming, in pages', async () => {
      const { catalogue } = await fresh()
      const files = []
      for (let n = 0; n < 7; n += 1) files.push((await addTo(catalogue, `n${n}`, `n${n}`, plus(n))).file)
      await catalogue.replace(await received(catalogue, 'newer'), files[2]?.id as ObjectId, {
        at: plus(100),
        orphanedAt: plus(100),
      })
      const names = async (skip: number, limit: number) =>
        (await catalogue.list(skip, limit)).map(({ filename }) => filename)
      expect(await names(0, 100)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6'])
      expect(await names(2, 3)).toEqual(['n2', 'n3', 'n4'])
      expect(await names(6, 10)).toEqual(['n6'])
      expect(await names(7, 10)).toEqual([])
    })
  })

  describe(`${name}: remove`, () => {
    test('takes the file away, and its content when that is due', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'gone')
      expect(await catalogue.remove(file.id, plus(600))).toBe(true)
      expect(await catalogue.find(file.id)).toBeUndefined()
      expect(await catalogue.remove(file.id, plus(600))).toBe(false)
      expect(await orphanedAt(catalogue, plus(599))).toEqual([])
      expect(await orphanedAt(catalogue, plus(600))).toEqual([file.body])
    })
    test('that expects another content changes nothing', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'guarded')
      const refused = catalogue.remove(file.id, plus(600), [contentOf('other').sha256])
      await expect(refused).rejects.toMatchObject({ code: 'precondition_failed' })
      expect(await catalogue.find(file.id)).toEqual(file)
      expect(await catalogue.remove(file.id, plus(600), [file.sha256])).toBe(true)
    })
    test('leaves a content that another file has, and the last one takes it along', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'held')
      const id = newId()
      await catalogue.restore(await received(catalogue, 'held'), { id, filename: 'o', at: START, origin: 'output' })
      await orphanedAt(catalogue, plus(9999))
      await catalogue.remove(file.id, plus(1))
      expect(await orphanedAt(catalogue, plus(99))).toEqual([])
      await catalogue.remove(id, plus(1))
      expect(await orphanedAt(catalogue, plus(99))).toEqual([file.body])
    })
    test('beside an upload of the same content leaves a file that has its bytes, or none', async () => {
      const { catalogue, other } = await fresh()
      for (let turn = 0; turn < 20; turn += 1) {
        const { file } = await addTo(catalogue, `race-${turn}`)
        const got = await received(other, `race-${turn}`)
        const [removed, added] = await Promise.all([
          catalogue.remove(file.id, START),
          other.add(got, { id: newId(), filename: 'again', at: START }),
        ])
        expect(removed).toBe(true)
        const found = await catalogue.find(added.file.id)
        const loose = await orphanedAt(catalogue, plus(0))
        if (found) expect(loose).not.toContain(found.body)
        for (const body of loose) await catalogue.forget(body)
      }
    })
  })
}

import { describe, expect, test } from 'vitest'
import { addTo, type CatalogueTarget, contentOf, newId, orphanedAt, plus, received, START } from './subject.ts'

export function adding(name: string, fresh: () => Promise<CatalogueTarget>): void {
  describe(`${name}: add`, () => {
    test('makes a file that is found as it was given', async () => {
      const { catalogue, other } = await fresh()
      const got = await received(catalogue, 'wide')
      const id = newId()
      const file = { id, filename: 'wide.xlsx', origin: 'upload', uploadedAt: START, ...got.content, body: got.body }
      expect(await catalogue.add(got, { id, filename: 'wide.xlsx', at: START })).toEqual({ file, existed: false })
      expect(await other.find(id)).toEqual(file)
      expect(await orphanedAt(catalogue, plus(9999))).toEqual([])
    })

    test('of a content that is there answers the file that has it, and its bytes are loose at once', async () => {
      const { catalogue } = await fresh()
      const first = await addTo(catalogue, 'same', 'first.txt')
      const again = await received(catalogue, 'same')
      expect(await catalogue.add(again, { id: newId(), filename: 'second.txt', at: plus(5) })).toEqual({
        file: first.file,
        existed: true,
      })
      expect(await catalogue.list(0, 10)).toEqual([first.file])
      expect(await orphanedAt(catalogue, plus(9999))).toEqual([again.body])
    })

    test('of twenty at once makes one content and one file', async () => {
      const { catalogue, other } = await fresh()
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, n) => addTo(n % 2 ? catalogue : other, 'crowd', `name-${n}`)),
      )
      expect(new Set(all.map(({ file }) => file.id)).size).toBe(1)
      expect(all.filter(({ existed }) => !existed)).toHaveLength(1)
      expect(await catalogue.list(0, 100)).toHaveLength(1)
      expect(await orphanedAt(catalogue, plus(9999))).toHaveLength(19)
    })

    test.each(['', 'naïve – 名前.xlsx', 'a\\b/../c"d\n', 'x'.repeat(5000), 'nul\0'])(
      'keeps the name %j',
      async (filename) => {
        const { catalogue } = await fresh()
        const { file } = await addTo(catalogue, 'named', filename)
        expect((await catalogue.find(file.id))?.filename).toBe(filename.replace('\0', '\uFFFD'))
      },
    )

    test('of an upload that was given up is refused, and nothing is added', async () => {
      const { catalogue } = await fresh()
      const late = await received(catalogue, 'late')
      expect(await orphanedAt(catalogue, plus(301))).toEqual([])
      await expect(catalogue.add(late, { id: newId(), filename: 'late', at: plus(302) })).rejects.toMatchObject({
        code: 'unavailable',
      })
      expect(await catalogue.list(0, 10)).toEqual([])
    })

    test('keeps lengths beyond 32 bits', async () => {
      const { catalogue } = await fresh()
      const content = { ...contentOf('huge'), length: 2 ** 40 + 1 }
      const got = { body: await catalogue.begin(plus(300)), content }
      const { file } = await catalogue.add(got, { id: newId(), filename: 'huge', at: START })
      expect((await catalogue.find(file.id))?.length).toBe(2 ** 40 + 1)
    })
  })
}

import { describe, expect, test } from 'vitest'
import { addTo, type CatalogueTarget, contentOf, newId, orphanedAt, plus, received } from './subject.ts'

export function replacing(name: string, fresh: () => Promise<CatalogueTarget>): void {
  describe(`${name}: replace`, () => {
    const change = { at: plus(60), orphanedAt: plus(660) }

    test('gives the file another content under its old name, and lets the old content go when it is due', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'old', 'kept.txt')
      const got = await received(catalogue, 'new')
      const replaced = { ...file, ...got, ...got.content, uploadedAt: plus(60) }
      expect(await catalogue.replace(got, file.id, change)).toMatchObject({
        id: file.id,
        filename: 'kept.txt',
        sha256: replaced.sha256,
        uploadedAt: plus(60),
      })
      expect(await orphanedAt(catalogue, plus(659))).toEqual([])
      expect(await orphanedAt(catalogue, plus(660))).toEqual([file.body])
    })

    test.each([
      ['this content', ['old'], true],
      ['one of several', ['other', 'old'], true],
      ['another content', ['other'], false],
      ['none', [], false],
    ])('that expects %s: %#', async (_, words, holds) => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'old')
      const expected = words.map((word) => contentOf(word).sha256)
      const replacing = catalogue.replace(await received(catalogue, 'new'), file.id, { ...change, expected })
      if (holds) expect((await replacing)?.sha256).toBe(contentOf('new').sha256)
      else {
        await expect(replacing).rejects.toMatchObject({ code: 'precondition_failed' })
        expect(await catalogue.find(file.id)).toEqual(file)
      }
    })
    test('of two at once that expect the same content one changes it', async () => {
      const { catalogue, other } = await fresh()
      const { file } = await addTo(catalogue, 'old')
      const expected = [contentOf('old').sha256]
      const replacing = [catalogue, other].map(async (one, n) =>
        one.replace(await received(one, `new ${n}`), file.id, { ...change, expected }),
      )
      const outcomes = await Promise.allSettled(replacing)
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    test('gives it a name, too', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'old', 'old.txt')
      await catalogue.replace(await received(catalogue, 'new'), file.id, { ...change, filename: 'new.txt' })
      expect((await catalogue.find(file.id))?.filename).toBe('new.txt')
    })

    test('by the content it has changes nothing but the time', async () => {
      const { catalogue } = await fresh()
      const { file } = await addTo(catalogue, 'same')
      const got = await received(catalogue, 'same')
      expect(await catalogue.replace(got, file.id, change)).toEqual({ ...file, uploadedAt: plus(60) })
      expect(await orphanedAt(catalogue, plus(9999))).toEqual([got.body])
    })

    test('keeps what another file has, too', async () => {
      const { catalogue } = await fresh()
      const one = await addTo(catalogue, 'one')
      const two = await addTo(catalogue, 'two')
      await catalogue.replace(await received(catalogue, 'two'), one.file.id, change)
      await catalogue.remove(one.file.id, plus(70))
      expect((await catalogue.find(two.file.id))?.body).toBe(two.file.body)
      expect(await orphanedAt(catalogue, plus(9999))).not.toContain(two.file.body)
    })

    test('of no file is nothing, and the bytes are loose', async () => {
      const { catalogue } = await fresh()
      const got = await received(catalogue, 'nobody')
      expect(await catalogue.replace(got, newId(), change)).toBeUndefined()
      expect(await orphanedAt(catalogue, plus(9999))).toEqual([got.body])
    })

    test('of two that trade their contents at once works out', async () => {
      const { catalogue, other } = await fresh()
      const [a, b] = [await addTo(catalogue, 'left'), await addTo(catalogue, 'right')]
      for (let turn = 0; turn < 10; turn += 1) {
        const [left, right] = turn % 2 ? ['left', 'right'] : ['right', 'left']
        const [toA, toB] = [await received(catalogue, left as string), await received(catalogue, right as string)]
        await Promise.all([catalogue.replace(toA, a.file.id, change), other.replace(toB, b.file.id, change)])
        expect((await catalogue.find(a.file.id))?.sha256).toBe(contentOf(left as string).sha256)
        expect((await catalogue.find(b.file.id))?.sha256).toBe(contentOf(right as string).sha256)
      }
    })
  })
}

/** What every Catalogue owes. `@see shared/files/ports.ts` */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { objectIdOf } from '../../../shared/files/id.ts'
import type { Body, Content, ObjectId } from '../../../shared/files/model.ts'
import type { Catalogue, Received } from '../../../shared/files/ports.ts'

export interface CatalogueTarget {
  readonly catalogue: Catalogue
  /** Another process of the same database. */
  readonly other: Catalogue
}

const START = new Date('2026-03-01T12:00:00.123Z')
const plus = (seconds: number): Date => new Date(START.getTime() + seconds * 1000)
const LEASES = { claimed: plus(600), givenUp: plus(600) }

let count = 0
const newId = (): ObjectId => {
  count += 1
  return objectIdOf(START, Buffer.from(count.toString(16).padStart(16, '0'), 'hex'))
}

/** A content by a word, as if its bytes had come. */
export const contentOf = (word: string): Content => ({
  sha256: createHash('sha256').update(word).digest('hex'),
  md5: createHash('md5').update(word).digest('hex'),
  length: word.length,
})

export async function received(catalogue: Catalogue, word: string): Promise<Received> {
  return { body: await catalogue.begin(plus(300)), content: contentOf(word) }
}

/** Every body that is loose and due at a time, however late. */
const orphanedAt = (catalogue: Catalogue, at: Date): Promise<Body[]> => catalogue.claimOrphans(at, LEASES, 1000)

export function catalogueConformance(name: string, fresh: () => Promise<CatalogueTarget>): void {
  const addTo = async (catalogue: Catalogue, word: string, filename = `${word}.txt`, at = START) =>
    catalogue.add(await received(catalogue, word), { id: newId(), filename, at })

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
      const leases = { claimed: plus(1200), givenUp: plus(1000) }
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
      expect(await catalogue.loosenOrphans(plus(0), 100)).toBe(0)
      expect(await orphanedAt(catalogue, plus(1e9))).toEqual([])
      expect(await catalogue.find(file.id)).toEqual(file)
    })
  })
}

import { expect, test } from 'vitest'
import type { OutputLimits, RunKey } from '../../../../shared/files/model.ts'
import {
  ALL,
  bringing,
  completing,
  LIMITS,
  launched,
  leave,
  loose,
  objectId,
  received,
  ref,
  type Subject,
} from '../../dt-store/subject.ts'

/** Outputs are counted, and refused beyond limits. The cost of a set depends only on its own files. */
export function bounding(subject: Subject): void {
  const moment = () => ({ at: subject.now(), orphanedAt: subject.now() })

  const keyOf = (id: string, index = 0): RunKey => ({ serviceId: objectId(id), ...ref(0, index) })

  const begun = async (id?: string, index = 0): Promise<RunKey> => {
    const key = keyOf(id ?? (await launched(subject)).id, index)
    await subject.runs.open(key, subject.now())
    return key
  }

  const used = (key: RunKey, path = 'another') => subject.otherRuns.used(key, path)

  const link = async (key: RunKey, path: string, word: string, limits = LIMITS) =>
    subject.otherRuns.link(key, path, (await received(subject, word)).content.sha256, limits, moment())

  test('used: what the set and all sets of its service have, without what a path has already', async () => {
    const { id } = await launched(subject)
    const [key, other] = [await begun(id, 0), await begun(id, 1)]
    await bringing(subject, key, 'a', 'four')
    await bringing(subject, key, 'b', 'four')
    await bringing(subject, other, 'c', 'another')
    expect(await used(key)).toEqual({ run: { files: 2, bytes: 8 }, service: { files: 3, bytes: 15 } })
    expect(await used(key, 'a')).toEqual({ run: { files: 1, bytes: 4 }, service: { files: 2, bytes: 11 } })
    await completing(subject, key)
    expect((await used(other)).service).toEqual({ files: 3, bytes: 15 })
    expect((await used(await begun())).service).toEqual({ files: 0, bytes: 0 })
  })

  test('used: what is given up counts no more', async () => {
    const key = await begun()
    await bringing(subject, key, 'a', 'four')
    await subject.runs.giveUp(key, 'why', [], moment())
    expect((await used(key)).service).toEqual({ files: 0, bytes: 0 })
  })

  test.each<[keyof OutputLimits, number, number]>([
    ['DT_OUTPUT_FILES', 2, 3],
    ['DT_OUTPUT_LIMIT', 11, 12],
    ['DT_SERVICE_OUTPUT_FILES', 3, 4],
    ['DT_SERVICE_OUTPUT_LIMIT', 15, 16],
  ])('keep and link: nothing is taken above %s', async (setting, limit, wanted) => {
    const { id } = await launched(subject)
    await leave(subject, id, ref(0, 1), 'some')
    const key = await begun(id)
    for (const path of ['a', 'b']) await bringing(subject, key, path, 'four')
    const limits = { ...LIMITS, [setting]: limit }
    const got = await received(subject, '4444')
    const over = { setting, limit, wanted }
    expect(await subject.runs.keep(got, key, 'c', limits, moment())).toEqual(over)
    expect(await loose(subject)).toContain(got.body)
    expect(await link(key, 'c', 'four', limits)).toEqual(over)
    expect(await used(key)).toEqual({ run: { files: 2, bytes: 8 }, service: { files: 3, bytes: 12 } })
    // As a replacement of another it fits.
    expect(await bringing(subject, key, 'a', '4444', limits)).toBe('kept')
  })

  test('keep: of many at once so many are taken as fit', async () => {
    const key = await begun()
    const limits = { ...LIMITS, DT_OUTPUT_LIMIT: 20 }
    const each = Array.from({ length: 12 }, (_, nth) =>
      bringing({ ...subject, runs: nth % 2 ? subject.runs : subject.otherRuns }, key, `${nth}`, 'four', limits),
    )
    const results = await Promise.all(each)
    expect(results.filter((kept) => kept === 'kept')).toHaveLength(5)
    expect((await used(key)).run).toEqual({ files: 5, bytes: 20 })
    expect(await subject.runs.taken(key, ALL)).toHaveLength(5)
  })

  test('link: a second name for what was brought, which counts as the first', async () => {
    const key = await begun()
    await bringing(subject, key, 'a', 'four')
    expect(await link(key, 'b', 'four')).toBe('kept')
    expect(await link(key, 'b', 'four')).toBe('kept')
    expect((await subject.runs.taken(key, ALL)).map(({ path, length }) => [path, length])).toEqual([
      ['a', 4],
      ['b', 4],
    ])
    expect((await used(key)).run).toEqual({ files: 2, bytes: 8 })
  })

  test('link: to nothing that others have', async () => {
    const [key, other] = [await begun(), await begun()]
    await bringing(subject, other, 'a', 'of another')
    expect(await link(key, 'b', 'of another')).toBeUndefined()
    expect(await link(key, 'b', 'of nobody')).toBeUndefined()
    await subject.runs.giveUp(key, 'why', [], moment())
    expect(await link(key, 'b', 'of nobody')).toBe('closed')
  })

  test('taken: in pages, by the bytes of their paths', async () => {
    const key = await begun()
    const paths = ['B', 'a', 'a/b', 'ä', '\u{1F600}', '\uFFFD']
    for (const path of paths.toReversed()) await bringing(subject, key, path, 'same')
    const seen: string[] = []
    for (let size = 2; size === 2; ) {
      const page = await subject.runs.taken(key, { after: seen.at(-1) ?? '', limit: 2 })
      seen.push(...page.map(({ path }) => path))
      size = page.length
    }
    const sorted = paths.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    expect(seen).toEqual(sorted)
    expect(await completing(subject, key)).toBe('complete')
  })
}

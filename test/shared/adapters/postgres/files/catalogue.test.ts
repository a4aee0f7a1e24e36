/** Files and contents in PostgreSQL, straight and through a pooler, against what every Catalogue owes. */
import { expect, test } from 'vitest'
import { createCatalogue } from '../../../../../shared/adapters/postgres/files/index.ts'
import type { Body, ObjectId } from '../../../../../shared/files/model.ts'
import { contentOf } from '../../../../conformance/files/catalogue/subject.ts'
import { catalogueConformance } from '../../../../conformance/files/catalogue.ts'
import { emptyTables } from '../empty.ts'
import { onEachWay } from '../ways.ts'

const TABLES = ['part', 'mount', 'output', 'output_set', 'file', 'content', 'loose'].map((name) => `dt.${name}`)
const START = new Date('2026-03-01T12:00:00.123Z')

onEachWay((name, pools) => {
  const fresh = async () => {
    const [pool, other] = pools()
    await emptyTables(pool, TABLES)
    return {
      catalogue: createCatalogue(pool, { now: () => START }),
      other: createCatalogue(other, { now: () => START }),
    }
  }
  catalogueConformance(name, fresh)

  test(`${name}: no upload begins where the contents have as many bytes as the site allows`, async () => {
    const { catalogue: other } = await fresh()
    const [pool] = pools()
    let time = START.getTime()
    const catalogue = createCatalogue(pool, { now: () => new Date(time), limitBytes: 8 })
    const received = async (text: string) => ({ body: await other.begin(START), content: contentOf(text) })
    const file = (id: string) => ({ id: id.repeat(24) as ObjectId, filename: 'f', at: START })
    await other.add(await received('seven..'), file('a'))
    await catalogue.begin(START)
    await other.add(await received('.'), file('b'))
    // It is asked for every ten seconds.
    time += 10_000
    const full = { code: 'too_large', message: 'The store of files is full: it may have 8 bytes (DT_STORE_LIMIT)' }
    await expect(catalogue.begin(START)).rejects.toMatchObject(full)
    await other.remove(file('b').id, START)
    time += 10_000
    await catalogue.begin(START)
  })

  test(`${name}: a content whose holder died before it let go is found and loosened`, async () => {
    const { catalogue } = await fresh()
    const [pool] = pools()
    const body = await catalogue.begin(START)
    const { sha256, md5, length } = contentOf('orphan')
    await pool.query(
      (sql) => sql`
        insert into dt.content (body, sha256, md5, length, created_at)
        values (${body}, decode(${sha256}, 'hex'), decode(${md5}, 'hex'), ${length}, ${START})`,
    )
    await pool.query((sql) => sql`delete from dt.loose`)
    expect(await catalogue.markOrphans(START, 100)).toBe(1)
    expect(await catalogue.markOrphans(START, 100)).toBe(0)
    expect(await catalogue.claimOrphans(START, { claimed: START, abandoned: START }, 10)).toEqual([body as Body])
  })
})

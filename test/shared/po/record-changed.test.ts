/** What is changed in the database before a record is made, or in the record afterwards, is found. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PAYLOAD_TYPE } from '../../../shared/adapters/statement.ts'
import { DIGEST, PROOF, type Records, startRecords } from './records.ts'

let records: Records
beforeAll(async () => {
  records = await startRecords()
})
afterAll(() => records?.stop())

const MESSAGE = 'is not the one that was written'

/** What a writer of the database does to a live analysis, and what its record says of it. */
const CHANGES: readonly (readonly [what: string, sql: string, said: string])[] = [
  [
    'the image',
    `update po.analysis set image = 'evil' where key = $1`,
    'the analysis is not the one that was asked for',
  ],
  ['the project', `update po.analysis set project_id = 'p' where key = $1`, 'the analysis is not the one'],
  ['who asked', `update po.analysis set requested_by = 'x' where key = $1`, 'the analysis is not the one'],
  ['that none asked', `update po.analysis set requested_by = null where key = $1`, 'the analysis is not the one'],
  ['the registry', `update po.analysis set registry_host = 'x' where key = $1`, 'the analysis is not the one'],
  ['that it reads data', `update po.analysis set needs_kong = false where key = $1`, 'the analysis is not the one'],
  ['the request', `update po.journal set body = '{}' where key = $1 and n = 1`, `entry 1 of the journal ${MESSAGE}`],
  [
    'a time',
    `update po.journal set at = at - interval '1 s' where key = $1 and n = 4`,
    `entry 4 of the journal ${MESSAGE}`,
  ],
  ['a run', `update po.journal set run = 7 where key = $1 and n = 3`, `entry 3 of the journal ${MESSAGE}`],
  ['a kind', `update po.journal set kind = 'image' where key = $1 and n = 3`, `entry 3 of the journal ${MESSAGE}`],
  ['a status', `update po.journal set body = replace(body, 'restarting', 'executing') where key = $1`, MESSAGE],
  ['a cause', `update po.journal set body = replace(body, 'exit code 3', 'none') where key = $1`, MESSAGE],
  ['a proof', `update po.journal set body = replace(body, 'api', 'x') where key = $1 and kind = 'isolation'`, MESSAGE],
  ['an image', `update po.journal set body = replace(body, 'ab', 'ac') where key = $1 and kind = 'image'`, MESSAGE],
  ['what is no JSON', `update po.journal set body = '{' where key = $1 and n > 2`, `entry 3 of the journal ${MESSAGE}`],
  ['policies', `update po.journal set body = '{}' where key = $1 and kind = 'policies'`, MESSAGE],
  ['a fault', `update po.journal set body = '{}' where key = $1 and kind = 'fault'`, MESSAGE],
  ['a digest', `update po.journal set sha256 = 'x' where key = $1 and n = 5`, `entry 5 of the journal ${MESSAGE}`],
  ['no first entry', `delete from po.journal where key = $1 and n = 1`, 'entries of the journal were deleted or added'],
  [
    'the last entry',
    'delete from po.journal entry where key = $1 and n = (select max(n) from po.journal where key = entry.key)',
    'entries of the journal were deleted or added',
  ],
  ['the head of the journal', `update po.journal_head set sha256 = 'x' where key = $1`, 'the journal'],
  [
    'an entry less',
    `delete from po.journal where key = $1 and kind = 'isolation'`,
    'entries of the journal were deleted or added',
  ],
  ['no fault', `delete from po.journal where key = $1 and kind = 'fault'`, MESSAGE],
  [
    'two in another order',
    `update po.journal set n = case n when 3 then 100 else 3 end where key = $1 and n in (3, 4);
     update po.journal set n = 4 where key = $1 and n = 100`,
    MESSAGE,
  ],
  [
    'a message',
    `update po.line set message = 'x' where key = $1 and message = 'a second one'`,
    `line 2 of run 1 ${MESSAGE}`,
  ],
  [
    'a level',
    `update po.line set level = 'error' where key = $1 and message = 'Grüße 😀'`,
    `line 1 of run 1 ${MESSAGE}`,
  ],
  ['what a line says of its status', `update po.line set status = 'y' where key = $1`, `line 1 of run 1 ${MESSAGE}`],
  ['a progress', `update po.line set progress = 99 where key = $1 and run = 2`, `line 1 of run 2 ${MESSAGE}`],
  ['when a line came', `update po.line set at = at + interval '1 s' where key = $1`, MESSAGE],
  ['the run of a line', `update po.line set run = 2 where key = $1 and message = 'and another'`, MESSAGE],
  ['the first line', `delete from po.line where key = $1 and message = 'Grüße 😀'`, MESSAGE],
  ['a line in the middle', `delete from po.line where key = $1 and message = 'a second one'`, MESSAGE],
  [
    'the last line',
    `delete from po.line where key = $1 and message = 'and another'`,
    '1 lines at the end of run 1 were deleted',
  ],
  ['all lines of a run', `delete from po.line where key = $1 and run = 2`, '1 lines at the end of run 2 were deleted'],
  ['the count of lines', `update po.line_chain set n = n - 1 where key = $1 and run = 2`, 'run 2'],
  [
    'the head of a chain',
    `update po.line_chain set sha256 = 'x' where key = $1 and run = 2`,
    'the lines of run 2 are not those that were counted',
  ],
  ['no chain', `delete from po.line_chain where key = $1 and run = 2`, 'run 2'],
  ['a line that never came', INSERTED(), MESSAGE],
]

/** With a trigger switched off, as only the owner of the table can. */
function INSERTED(): string {
  return `alter table po.line disable trigger line_chained;
    insert into po.line (key, run, at, level, status, progress, message) values ($1, 1, now(), 'info', '', 0, 'forged');
    alter table po.line enable trigger line_chained`
}

describe(`of an analysis that was changed in the database, in ${CHANGES.length} ways`, () => {
  test.each(CHANGES)('%s: its record says so, and is not good', async (_, sql, said) => {
    const analysis = await records.lived()
    for (const statement of sql.split(';'))
      await records.database.query((db) => db.unsafe(statement.replace('$1', analysis.key)))
    const { envelope, statement } = await records.sealed(analysis)
    expect(statement.predicate.changed.join(', ')).toContain(said)
    const { code, printed } = await records.verify(envelope)
    expect(code).toBe(1)
    expect(printed[0]).toContain('the database of the node was changed')
  })

  test('a digest or proof that somebody writes later stands in the journal, and does not replace the first one', async () => {
    const analysis = await records.lived()
    const forged = `sha256:${'ef'.repeat(32)}`
    await records.database.query((sql) => sql`update po.run set image_digest = ${forged} where key = ${analysis.key}`)
    await records.database.query(
      (sql) => sql`update po.run set isolation = '{"open":["all"]}' where key = ${analysis.key} and run = 1`,
    )
    const { predicate } = (await records.sealed(analysis)).statement
    expect(predicate.runs.map(({ imageDigest }) => imageDigest)).toEqual([DIGEST, DIGEST])
    expect(predicate.runs[0]?.isolation).toEqual(PROOF)
    expect(predicate.journal.map(({ body }) => body)).toContain(`"${forged}"`)
  })

  test('the record itself changed, or signed by another key, is not good', async () => {
    const { envelope, statement } = await records.sealed(await records.lived())
    const { predicate } = statement
    const payload = (changed: object) => Buffer.from(JSON.stringify(changed)).toString('base64')
    const forged = [
      { ...envelope, payload: payload({ ...statement, predicate: { ...predicate, node: 'another' } }) },
      { ...envelope, payload: payload({ ...statement, subject: [] }) },
      { ...envelope, payloadType: 'application/json' },
      { ...envelope, signatures: [] },
      { ...envelope, signatures: [{ keyid: '', sig: 'AAAA' }] },
      'no JSON',
    ]
    for (const one of forged) expect((await records.verify(one)).code, JSON.stringify(one).slice(0, 80)).toBe(1)
    expect((await records.verify(envelope, 'other')).printed[0]).toBe('BAD   FILE  signed with another key')
  })

  test('a record that a thief of the key signed must follow from its journal', async () => {
    const { statement } = await records.sealed(await records.lived())
    const { predicate } = statement
    const sign = await records.signer('node')
    const forged = [
      { ...predicate, request: { ...predicate.request, requestedBy: 'x' } },
      { ...predicate, runs: predicate.runs.slice(1) },
      { ...predicate, statuses: predicate.statuses.slice(1) },
      { ...predicate, journal: predicate.journal.slice(1) },
      { ...predicate, lines: undefined },
      { node: 'node' },
    ]
    for (const one of forged) {
      const envelope = sign(PAYLOAD_TYPE, JSON.stringify({ ...statement, predicate: one }))
      expect((await records.verify(envelope)).code).toBe(1)
    }
  })
})

/** `make adopt` as its operator has it: what it prints, its exit codes, and what it refuses to begin with. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../../../shared/adapters/postgres/po/index.ts'
import { adoptCommand } from '../../../../shared/commands/adopt.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import { runName } from '../../../../shared/po/names.ts'
import { remove } from '../../../../shared/po/remove.ts'
import { loadConfig } from '../../../../shared/settings/config.ts'
import { wireAdopt } from '../../../../shared/wire/adopt.ts'
import { createFormerTables, formerRow, insertFormer } from '../../../predecessor/tables.ts'
import { settle } from '../aftermath.ts'
import { SETTINGS } from '../fixture.ts'
import { type FormerNode, startFormerNode } from './former-node.ts'

let node: FormerNode
let env: Record<string, string>
beforeAll(async () => {
  node = await startFormerNode()
  env = { ...(await node.environment()), CLUSTER_RESOLVER: '10.96.0.10', NGINX_IMAGE: SETTINGS.run.nginxImage }
})
afterAll(() => node?.stopAll())
/** What a test only looked at goes, too. */
afterEach(async () => {
  await adopt(['--apply', '--finish', '--force'])
  await remove(node.ports, undefined)
  await node.database.query((sql) => sql.unsafe('delete from public.analysis; delete from public.archive'))
  await settle(node, 4)
})

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** With connections of its own, as a process has them. */
async function adopt(args: readonly string[] = [], changes: Record<string, string> = {}): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await adoptCommand(args, {
    print: (text) => out.push(text),
    complain: (text) => err.push(text),
    wire: (log, former) => wireAdopt({ ...env, ...changes }, log, former),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const rowOf = (out: string, id: string) =>
  out
    .split('\n')
    .find((line) => line.startsWith(id))
    ?.split(/ {2,}/)
const PODS = 'api/v1/namespaces/flame/pods'
const DEPLOYMENTS = 'apis/apps/v1/namespaces/flame/deployments'
const podOfPythonService = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { component: 'flame-po' } },
  spec: { containers: [{ name: 'po', image: 'none' }] },
})

describe('what it says', () => {
  test('nothing, where nothing was', async () => {
    const { code, out } = await adopt()
    expect(code).toBe(0)
    expect(out).toBe(
      'Analyses of the Python service in namespace flame:\n\nnone\n\n0 adopt, 0 finish, 0 skip, 0 refuse. Nothing was changed.',
    )
  })

  test('a line for each, first what would be done, then that it was, then that nothing is left to do', async () => {
    const id = await node.deploy(3)
    const before = await adopt()
    expect(before.code).toBe(0)
    expect(rowOf(before.out, id)).toEqual([id, '3', 'executing', 'Deployment, 1 pod', 'adopt', 'it runs'])
    expect(before.out).toMatch(/1 adopt, 0 finish, 0 skip, 0 refuse\. Nothing was changed\.$/)
    expect(await node.ports.store.find(id)).toBeUndefined()

    const done = await adopt(['--apply'])
    expect(done).toMatchObject({ code: 0, err: `done  ${id}` })
    expect(rowOf(done.out, id)?.at(-1)).toBe('done')
    expect(done.out).toMatch(/1 adopt, 0 finish, 0 skip, 0 refuse; 1 done, 0 failed\.$/)

    const again = await adopt(['--apply'])
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(rowOf(again.out, id)?.[4]).toBe('skip')
    expect(again.out).toMatch(/0 adopt, 0 finish, 1 skip, 0 refuse; 0 done, 0 failed\.$/)
  })

  test('the same as JSON', async () => {
    const id = await node.deploy(2)
    const { code, out } = await adopt(['--finish', '-o', 'json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      namespace: 'flame',
      applied: false,
      obstacles: [],
      analyses: [
        {
          id,
          run: 2,
          deployment: runName(id, 2 as never),
          table: 'analysis',
          status: 'executing',
          pods: 1,
          objects: 6,
          decision: 'finish',
          outcome: 'stopped',
          reason: 'what runs is to be stopped',
          result: null,
        },
      ],
      unreadable: [],
      strangers: [],
    })
  })

  test('what it refuses, and exit code 1', async () => {
    const id = await node.deploy(1, { row: { status: 'dre\u001b[31maming' } })
    const { code, out } = await adopt(['--apply'])
    expect(code).toBe(1)
    expect(rowOf(out, id)?.slice(2, 5)).toEqual(['dre?[31maming', 'Deployment, 1 pod', 'refuse'])
    expect(out).not.toContain('\u001b')
    await node.database.query((sql) => sql`update public.analysis set status = 'executing'`)
    expect((await adopt(['--apply'])).code).toBe(0)
  })

  test('objects that no row knows, which stay, and exit code 1', async () => {
    const id = await node.deploy(1)
    await node.database.query((sql) => sql`delete from public.analysis`)
    const { code, out } = await adopt(['--apply'])
    expect(code).toBe(1)
    expect(out).toContain('Objects that no row knows; nothing is done about them:')
    expect(out).toContain(`  Deployment ${runName(id, 1 as never)}\n`)
    expect(await node.get(`${DEPLOYMENTS}/${runName(id, 1 as never)}`)).toBeDefined()
    await insertFormer(node.database, formerRow(id, 1))
    expect((await adopt(['--apply', '--finish'])).code).toBe(0)
  })

  test('rows without a UUID, which nobody can record', async () => {
    await insertFormer(node.database, formerRow('my analysis', 1, { status: 'failed' }))
    const { code, out } = await adopt(['--apply'])
    expect(code).toBe(0)
    expect(out).toContain('ids are no UUIDs:\n  analysis-my analysis-1, failed')
  })

  test('why one failed, while the others are done', async () => {
    const [broken, whole] = [await node.deploy(1), await node.deploy(1)]
    await node.database.query((sql) => sql`insert into po.identity (id, last_run) values (${broken}, 0)`)
    await node.database.query(
      (sql) => sql`
      create function po.no() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$`,
    )
    await node.database.query((sql) =>
      sql.unsafe(
        `create trigger no before insert on po.analysis for each row when (new.id = '${broken}') execute function po.no()`,
      ),
    )
    const { code, out, err } = await adopt(['--apply'])
    await node.database.query((sql) => sql`drop function po.no() cascade`)
    expect(code).toBe(1)
    expect(err).toContain(`FAILED  ${broken}`)
    expect(rowOf(out, broken)?.at(-1)).toMatch(/^FAILED: ./)
    expect(rowOf(out, whole)?.at(-1)).toBe('done')
    expect((await adopt(['--apply'])).code).toBe(0)
  })
})

describe('it does not begin', () => {
  const refusesToBegin = async (id: AnalysisId, message: RegExp, changes: Record<string, string> = {}) => {
    expect((await adopt([], changes)).out).toMatch(message)
    const { code, out } = await adopt(['--apply'], changes)
    expect(code).toBe(2)
    expect(out).toMatch(message)
    expect(out).toMatch(/Nothing was changed\.$/)
    expect(await node.ports.store.find(id)).toBeUndefined()
  }

  test('while a pod of the Python service is there, unless it is forced to', async () => {
    const id = await node.deploy(1)
    await node.create(podOfPythonService('flame-po-7c9'))
    await refusesToBegin(id, /The Python service runs still \(pod flame-po-7c9\): scale its Deployment to 0/)
    expect((await adopt(['--apply', '--force'])).code).toBe(0)
    await node.remove(`${PODS}/flame-po-7c9`)
  })

  test('without the address of the name server', async () => {
    const id = await node.deploy(1)
    await refusesToBegin(id, /CLUSTER_RESOLVER is not set/, { CLUSTER_RESOLVER: '' })
    expect((await adopt(['--apply'])).code).toBe(0)
  })

  test('where nothing of what runs is there, by its row', async () => {
    const id = await node.deploy(1, { bare: true })
    const { code, out } = await adopt(['--apply'])
    expect(code).toBe(1)
    expect(rowOf(out, id)?.slice(3, 5)).toEqual(['nothing', 'refuse'])
    expect(await node.ports.store.find(id)).toBeUndefined()
    expect((await adopt(['--apply', '--force'])).code).toBe(0)
    await settle(node, 3)
    expect(node.hub.told(id).statuses.at(-1)).toMatchObject({ status: 'failed' })
  })

  test.each([[['--aply']], [['--from']], [['-o', 'yaml']], [['now']]])('with %j', async (args) => {
    const { code, out, err } = await adopt(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^usage: node shared\/commands\/adopt\.ts/)
  })

  test('without a setting', async () => {
    const { code, err } = await adopt([], { KEYCLOAK_URL: '' })
    expect(code).toBe(2)
    expect(err).toContain('KEYCLOAK_URL')
  })
})

describe('the database of the Python service', () => {
  const name = `former_${randomUUID().slice(0, 8)}`

  test('may be another one on the same server', async () => {
    await node.database.query((sql) => sql.unsafe(`create database ${name}`))
    const missing = await adopt(['--from', name])
    expect(missing.code).toBe(2)
    expect(missing.err).toMatch(
      /not as they are since its version 0\.5, .*: analysis, archive\. Is it another database/,
    )

    const theirs = connect({ ...loadConfig(['database'], env), POSTGRES_DB: name, POSTGRES_MAX: 2 })
    await createFormerTables(theirs)
    const id = await node.deploy(2)
    await node.database.query((sql) => sql`truncate public.analysis`)
    await insertFormer(theirs, formerRow(id, 2))
    expect((await adopt(['--apply', '--from', name])).code).toBe(0)
    expect(await node.ports.store.find(id)).toMatchObject({ state: 'executing', run: 2 })
    await theirs.end()
  })

  test('that is not there is named', async () => {
    const { code, err } = await adopt(['--from', 'nowhere'])
    expect(code).toBe(2)
    expect(err).toMatch(/nowhere|database/)
  })
})

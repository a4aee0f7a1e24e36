/** The programs beside a run, as processes, over real HTTP against the real functions and a real PostgreSQL. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { noise } from '../../conformance/files/blob-subject.ts'
import { type FileWorld, startFileWorld, tokenOf as tokenOfRun } from '../../functions/dt/world.ts'
import { inherited } from '../../sandbox/inherited.ts'

let world: FileWorld
let folder: string
beforeAll(async () => {
  world = await startFileWorld()
})
afterAll(() => world?.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'))
  for (const name of ['input', 'output']) await mkdir(join(folder, name))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const FIRING = 7
const service = (mounts: Readonly<Record<string, string>> = {}) => world.service(mounts, { firing: FIRING })
const tokenOf = (id: string) => tokenOfRun(id, { firing: FIRING })

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; said: string }>
}

async function start(
  program: string,
  id: string,
  env: Record<string, string> = {},
  ...args: string[]
): Promise<Started> {
  const token = join(folder, 'token')
  await writeFile(token, env['TOKEN'] ?? (/^[0-9a-f]{24}$/.test(id) ? tokenOf(id) : 'none'))
  const file = fileURLToPath(new URL(`../../../shared/pod/${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...inherited(),
      RUNS_URL: world.url,
      SERVICE_ID: id,
      SERVICE_TOKEN_FILE: token,
      RUN_FIRING: `${id}-${FIRING}`,
      RUN_INDEX: '0',
      RUN_ATTEMPT: '0',
      INPUT_DIRECTORY: join(folder, 'input'),
      OUTPUT_DIRECTORY: join(folder, 'output'),
      ...env,
    },
  })
  const said = text(child.stdout)
  return { child, ended: once(child, 'exit').then(async ([code]) => ({ code, said: await said })) }
}
const run = async (...parts: Parameters<typeof start>) => (await start(...parts)).ended
const send = (id: string, env: Record<string, string> = {}) => run('upload-outputs', id, env, '--now')
const leave = (name: string, bytes: Uint8Array | string) => writeFile(join(folder, 'output', name), bytes)
const outputs = (id: string) =>
  world.database.query(
    (sql) => sql<{ path: string; file_id: string; firing: string }[]>`
      select path, file_id, firing from dt.output where service_id = ${id} order by seq`,
  )
const sets = (id: string) =>
  world.database.query(
    (sql) => sql<{ state: string; reason: string | null; notes: string[] }[]>`
      select state, reason, to_json(notes) as notes from dt.output_set where service_id = ${id}`,
  )

/** Bytes that were ever written and are there still. */
const stored = async (): Promise<number> => {
  const [row] = await world.database.query(
    (sql) => sql<{ bytes: number }[]>`select coalesce(sum(octet_length(data)), 0)::float8 as bytes from dt.chunk`,
  )
  return row?.bytes ?? 0
}

async function uploaded(name: string, bytes: Uint8Array | string): Promise<string> {
  return ((await (await world.upload(name, bytes)).json()) as { file_id: string }).file_id
}

describe('fetch-inputs', () => {
  test('brings every input under its name, folders included, readable for anybody', async () => {
    const bytes = noise(2_000_000)
    const id = await service({
      [await uploaded('a', bytes)]: 'input.xlsx',
      [await uploaded('b', '')]: 'a/b/empty',
    })
    expect(await run('fetch-inputs', id)).toEqual({ code: 0, said: '2 input files\n' })
    expect((await readFile(join(folder, 'input/input.xlsx'))).equals(bytes)).toBe(true)
    expect((await stat(join(folder, 'input/a/b/empty'))).mode & 0o777).toBe(0o644)
    expect((await readdir(join(folder, 'input'))).toSorted()).toEqual(['a', 'input.xlsx'])
    expect((await run('fetch-inputs', id)).code).toBe(0)
  })
  test('ends with the name of what is missing, and writes no error in its place', async () => {
    const id = await service({ [await uploaded('a', 'x')]: 'there', ['9'.repeat(24)]: 'input.xlsx' })
    expect(await run('fetch-inputs', id)).toEqual({
      code: 1,
      said: `inputs: no such input file: input.xlsx (file ${'9'.repeat(24)})\n`,
    })
    expect(await readdir(join(folder, 'input'))).toEqual([])
  })
  test('brings more than a page of them', async () => {
    const file = await uploaded('a', 'x')
    const id = await service()
    await world.database.query(
      (sql) => sql`
        insert into dt.mount (service_id, name, file_id, follows, body)
        select ${id}, 'in ' || n, ${file}, false, (select body from dt.file where id = ${file}) from generate_series(1, 1001) n`,
    )
    expect(await run('fetch-inputs', id)).toEqual({ code: 0, said: '1001 input files\n' })
    expect(await readdir(join(folder, 'input'))).toHaveLength(1001)
  }, 60_000)
  test('ends with the limit when they have more bytes together, before any is brought', async () => {
    const id = await service({ [await uploaded('a', noise(600))]: 'a', [await uploaded('b', noise(601))]: 'b' })
    expect(await run('fetch-inputs', id, { OUTPUT_LIMIT_BYTES: '1200' })).toEqual({
      code: 1,
      said: 'inputs: they may have 1200 bytes together (DT_OUTPUT_LIMIT), and have more\n',
    })
    expect(await readdir(join(folder, 'input'))).toEqual([])
  })
  test('never writes outside', async () => {
    const id = await service({ [await uploaded('a', 'x')]: '../outside' })
    expect(await run('fetch-inputs', id)).toMatchObject({ code: 1, said: expect.stringContaining('../outside') })
    expect(await readdir(folder)).not.toContain('outside')
  })
  test('is refused with the token of another service', async () => {
    const [a, b] = [await service(), await service()]
    const ended = await run('fetch-inputs', a, { TOKEN: tokenOf(b) })
    expect(ended).toEqual({ code: 1, said: expect.stringContaining('403') })
  })
  test('says everything that its environment lacks', async () => {
    const ended = await run('fetch-inputs', 'nonsense', { RUNS_URL: '', RUN_FIRING: 'x' })
    for (const name of ['RUNS_URL', 'SERVICE_ID', 'RUN_FIRING']) expect(ended.said).toContain(name)
    expect(ended.code).toBe(1)
  })
})

describe('upload-outputs', () => {
  test('sends files of any name, folders included, and passes over the rest with a note', async () => {
    const id = await service()
    const bytes = noise(1_300_000)
    await mkdir(join(folder, 'output/a/b'), { recursive: true })
    await leave('a/b/résultat #1?.bin', bytes)
    await leave('empty', '')
    await writeFile(Buffer.concat([Buffer.from(join(folder, 'output/')), Buffer.from([0x66, 0xff])]), 'odd')
    await symlink('/etc/passwd', join(folder, 'output/link'))
    execFileSync('mkfifo', [join(folder, 'output/pipe')])
    expect(await send(id)).toMatchObject({ code: 0, said: expect.stringContaining('3 output files') })
    const stored = await outputs(id)
    expect(stored.map(({ path, firing }) => [path, Number(firing)])).toEqual([
      ['a/b/résultat #1?.bin', 7],
      ['empty', 7],
      ['f%FF', 7],
    ])
    const back = await fetch(`${world.url}/files/${stored[0]?.file_id}`)
    expect(Buffer.from(await back.arrayBuffer()).equals(bytes)).toBe(true)
    expect((await sets(id))[0]?.notes.toSorted()).toEqual([
      'link: not sent, it is a symbolic link',
      'pipe: not sent, it is a pipe',
    ])
  })

  test('sends nothing twice, and nothing that came after', async () => {
    const id = await service()
    await leave('a', 'one')
    await send(id)
    await leave('b', 'two')
    expect(await send(id)).toEqual({ code: 0, said: '1 output files, sent before\n' })
    expect((await outputs(id)).map(({ path }) => path)).toEqual(['a'])
  })

  test('sends a file with several names once, and its other names by its content', async () => {
    const id = await service()
    const bytes = noise(3_000_000)
    await leave('a', bytes)
    for (const name of ['b', 'c', 'd']) await link(join(folder, 'output/a'), join(folder, 'output', name))
    const before = await stored()
    expect(await send(id)).toEqual({ code: 0, said: '4 output files\n' })
    expect((await stored()) - before).toBe(bytes.length)
    const found = await outputs(id)
    expect(found.map(({ path }) => path)).toEqual(['a', 'b', 'c', 'd'])
    for (const { file_id } of found)
      expect((await fetch(`${world.url}/files/${file_id}`, { method: 'HEAD' })).headers.get('content-length')).toBe(
        '3000000',
      )
  })

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a sparse file',
      async () => {
        await leave('sparse', '')
        await truncate(join(folder, 'output/sparse'), 300_000_000)
      },
      'a run may leave 5000000 bytes (DT_OUTPUT_LIMIT), and there are more',
    ],
    [
      'names of one file',
      async () => {
        await leave('0', noise(1_000_000))
        for (let n = 1; n < 6; n += 1) await link(join(folder, 'output/0'), join(folder, `output/${n}`))
      },
      'a run may leave 5000000 bytes (DT_OUTPUT_LIMIT), and there are more',
    ],
    [
      'empty files',
      async () => {
        for (let n = 0; n < 21; n += 1) await leave(String(n), '')
      },
      'a run may leave 20 files (DT_OUTPUT_FILES), and there are more',
    ],
  ])('%s above the limit: incomplete, with the limit as the reason, and nothing was sent', async (_, fill, words) => {
    const id = await service()
    await fill()
    const before = await stored()
    const limits = { OUTPUT_LIMIT_BYTES: '5000000', OUTPUT_LIMIT_FILES: '20' }
    const reason = `outputs are incomplete: ${words}`
    expect(await send(id, limits)).toEqual({ code: 1, said: `${reason}\n` })
    expect(await sets(id)).toMatchObject([{ state: 'incomplete', reason }])
    expect(await stored()).toBe(before)
  })

  test('what the server refuses is the reason of the run, word by word', async () => {
    const id = await service()
    await leave('x'.repeat(200), 'a')
    await mkdir(join(folder, 'output', ...Array(9).fill('f'.repeat(120))), { recursive: true })
    await leave(join(...Array(9).fill('f'.repeat(120)), 'deep'), 'a')
    const { said } = await send(id)
    expect(said).toContain('413 The path of an output may have 1024 bytes (DT_OUTPUT_PATH_BYTES), not 1093')
    expect(await sets(id)).toMatchObject([{ state: 'incomplete', reason: said.trim() }])
  })

  test('goes on after more files than a page has', async () => {
    const id = await service()
    for (let n = 0; n < 1100; n += 1) await leave(`${n}`, `${n % 3}`)
    const first = await start('upload-outputs', id, {}, '--now')
    const count = async () =>
      (await world.database.query((sql) => sql`select from dt.part where service_id = ${id}`)).length
    while ((await count()) < 1050) await new Promise((resolve) => setTimeout(resolve, 20))
    first.child.kill('SIGKILL')
    await first.ended
    expect(await send(id)).toEqual({ code: 0, said: '1100 output files\n' })
    expect(await outputs(id)).toHaveLength(1100)
  }, 120_000)

  test('a run that left nothing is complete, too', async () => {
    const id = await service()
    expect(await send(id)).toEqual({ code: 0, said: '0 output files\n' })
    expect(await sets(id)).toMatchObject([{ state: 'complete' }])
  })

  test.skipIf(process.platform !== 'linux')('waits for its signal', async () => {
    const id = await service()
    const { child, ended } = await start('upload-outputs', id)
    // As the startup probe of its container asks.
    while ((await readFile(`/proc/${child.pid}/comm`, 'utf8')) !== 'upload-outputs\n')
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(child.exitCode).toBeNull()
    await leave('late', 'written before the signal')
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, said: '1 output files\n' })
  })

  test('killed in the midst leaves nothing to be seen, and goes on when it is started again', async () => {
    const id = await service()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await leave(name, noise(24_000_000))
    const { child, ended } = await start('upload-outputs', id, {}, '--now')
    const parts = () => world.database.query((sql) => sql`select from dt.part where service_id = ${id}`)
    while ((await parts()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    expect((await ended).code).toBeNull()
    expect(await outputs(id)).toEqual([])
    expect(await send(id)).toMatchObject({ code: 0 })
    expect(await outputs(id)).toHaveLength(6)
  })

  test('that cannot send all says that the run is incomplete, and nothing is an output', async () => {
    const id = await service()
    for (let n = 0; n < 60; n += 1) await leave(`${n}`, noise(4_000_000))
    const ended = await send(id, { RUN_GRACE_SECONDS: '1' })
    expect(ended).toEqual({ code: 1, said: 'outputs are incomplete: the grace period was too short for them\n' })
    expect(await sets(id)).toMatchObject([
      { state: 'incomplete', reason: expect.stringContaining('the grace period was too short') },
    ])
    expect(await outputs(id)).toEqual([])
  })

  test('is refused with the token of another service', async () => {
    const [a, b] = [await service(), await service()]
    await leave('a', 'x')
    expect(await send(a, { TOKEN: tokenOf(b) })).toEqual({ code: 1, said: expect.stringContaining('403') })
    expect([await sets(a), await sets(b)]).toEqual([[], []])
  })
})

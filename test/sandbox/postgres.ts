/**
 * A real PostgreSQL 18 on loopback, for `make run` and for tests.
 *
 * The server runs under a small shell that waits for the end of its standard input: when this process ends in any way, the
 * server stops and a temporary data folder is deleted. It has its own process group, so that Ctrl-C reaches its callers first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import postgres from 'postgres'
import type { DatabaseSettings } from '../../shared/adapters/postgres/connection.ts'
import { isReachable, type ServerUser, serverBinaries, serverUser, sharedTemp } from './postgres-binaries.ts'

export interface PostgresOptions {
  /** 0: any free port. */
  readonly port?: number
  /** Data folder that is kept for the next start; without it the data is deleted at stop. */
  readonly dataDir?: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** Parameters of the server, as `name=value`. */
  readonly settings?: readonly string[]
  /** Folder of the programs; default: the npm package's. */
  readonly binaries?: string
}

export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface PostgresServer extends Login {
  readonly url: string
  /** Folder of the data; may lie elsewhere than asked for when the server's user cannot enter that place. */
  readonly dataDir: string
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const START_MS = 30_000
/** Temporary data needs no fsync. */
const THROWAWAY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
const SUPERVISOR = `
exec 3<&0
"$@" 3<&- </dev/null & program=$!
(read -r _ <&3; kill -s $HOW $program) & watch=$!
wait $program; code=$?
kill $watch 2>/dev/null
[ -z "$ALWAYS" ] || rm -f -- "$ALWAYS"
[ $code -ne 0 ] || [ -z "$AT_STOP" ] || rm -rf -- "$AT_STOP"
[ $code -eq 0 ] || [ -z "$ON_FAILURE" ] || rm -rf -- "$ON_FAILURE"
exit $code`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

/** A data folder that the server's user can reach. */
async function dataFolder(wanted: string | undefined, user: ServerUser | undefined): Promise<string> {
  const temp = await sharedTemp()
  if (!wanted) return mkdtemp(join(temp, 'postgres-data-'))
  if (!user || (await isReachable(dirname(resolve(wanted))))) return resolve(wanted)
  return join(temp, `postgres-data-${createHash('sha256').update(resolve(wanted)).digest('hex').slice(0, 16)}`)
}

const isInitialised = (folder: string): Promise<boolean> =>
  stat(join(folder, 'PG_VERSION')).then(
    () => true,
    () => false,
  )

interface Place {
  readonly binaries: string
  readonly folder: string
  readonly user: ServerUser | undefined
  readonly settings: readonly string[]
}

/** How a program is ended, and what is removed then: in any case, after an orderly stop, or after anything else. */
interface Ending {
  readonly signal: 'INT' | 'TERM'
  readonly always?: string
  readonly atStop?: string
  readonly onFailure?: string
}

function supervise(
  command: readonly string[],
  { user, folder }: Place,
  { signal, always, atStop, onFailure }: Ending,
): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'postgres', ...command], {
    cwd: folder,
    detached: true,
    env: {
      LC_ALL: 'C',
      PATH: process.env['PATH'],
      HOW: signal,
      ALWAYS: always,
      AT_STOP: atStop,
      ON_FAILURE: onFailure,
    },
    stdio: ['pipe', 'ignore', 'pipe'],
    ...user,
  })
  // Its end may close the pipe while we do; the exit says all there is to say.
  child.stdin?.on('error', () => undefined)
  return child
}

async function initialise(place: Place, role: string, password: string, throwaway: boolean): Promise<void> {
  const { binaries, folder, user } = place
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o700)
  if (user) await chown(folder, user.uid, user.gid)
  const passwordFile = join(await sharedTemp(), `postgres-password-${randomBytes(9).toString('hex')}`)
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
  if (user) await chown(passwordFile, user.uid, user.gid)
  const where = [`--pgdata=${folder}`, `--username=${role}`, `--pwfile=${passwordFile}`]
  const how = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions']
  const ending = { signal: 'TERM' as const, always: passwordFile, ...(throwaway ? { onFailure: folder } : {}) }
  const child = supervise([join(binaries, 'bin/initdb'), ...where, ...how], place, ending)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`initdb failed\n${said.slice(-2000)}`)
}

function launch(place: Place, port: number, throwaway: boolean): ChildProcess {
  const { binaries, folder } = place
  const own = [
    `listen_addresses=${HOST}`,
    `port=${port}`,
    'unix_socket_directories=',
    'timezone=UTC',
    ...place.settings,
  ]
  const settings = throwaway ? [...own, ...THROWAWAY] : own
  const command = [join(binaries, 'bin/postgres'), '-D', folder, ...settings.flatMap((setting) => ['-c', setting])]
  // Its fast way to stop: clients are cut off.
  return supervise(command, place, { signal: 'INT', ...(throwaway ? { atStop: folder } : {}) })
}

/** Resolves when the server is ready. @throws with its output otherwise */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    let said = ''
    const refuse = (why: string) => fail(new Error(`PostgreSQL ${why}\n${said.slice(-2000)}`))
    const timer = setTimeout(() => refuse('did not start in time'), START_MS)
    child.once('error', fail)
    child.once('exit', () => {
      clearTimeout(timer)
      refuse('ended at its start')
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000)
      if (!said.includes('database system is ready to accept connections')) return
      clearTimeout(timer)
      done()
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.stdin?.end()
  await exit
}

async function startAt(place: Place, port: number, throwaway: boolean): Promise<ChildProcess> {
  const child = launch(place, port, throwaway)
  try {
    await ready(child)
    return child
  } catch (error) {
    await end(child)
    throw error
  }
}

const isTaken = (error: unknown): boolean => error instanceof Error && error.message.includes('Address already in use')

/** Another process may take a free port before the server does: another port is tried. */
async function startSomewhere(place: Place, wanted: number, throwaway: boolean) {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted || (await freePort())
    try {
      return { port, child: await startAt(place, port, throwaway) }
    } catch (error) {
      if (wanted !== 0 || attempt === 5 || !isTaken(error)) throw error
    }
  }
}

const connection = (login: Login, database = login.database) =>
  postgres({ ...login, database, max: 1, fetch_types: false, onnotice: () => undefined })

async function createDatabase(login: Login, name: string): Promise<void> {
  const sql = connection(login, 'postgres')
  try {
    const found = await sql`select 1 from pg_database where datname = ${name}`
    if (found.length === 0) await sql`create database ${sql(name)}`
  } finally {
    await sql.end()
  }
}

/** Starts a server and makes sure that the database exists. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { user = 'postgres', password = 'postgres', database = 'postgres' } = options
  const account = await serverUser()
  const binaries = await serverBinaries(account, options.binaries)
  const folder = await dataFolder(options.dataDir, account)
  const throwaway = options.dataDir === undefined
  let child: ChildProcess | undefined
  const stop = async () => {
    if (child) await end(child)
    if (throwaway) await rm(folder, { recursive: true, force: true })
  }
  try {
    const place: Place = { binaries, folder, user: account, settings: options.settings ?? [] }
    if (!(await isInitialised(folder))) await initialise(place, user, password, throwaway)
    const started = await startSomewhere(place, options.port ?? 0, throwaway)
    child = started.child
    const login: Login = { host: HOST, port: started.port, user, password, database }
    await createDatabase(login, database)
    const url = `postgres://${user}:${encodeURIComponent(password)}@${HOST}:${login.port}/${database}`
    return { ...login, url, dataDir: folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The settings of a function that uses this database. */
export const databaseSettings = ({ host, port, user, password, database }: Login): DatabaseSettings => ({
  POSTGRES_HOST: host,
  POSTGRES_PORT: port,
  POSTGRES_USER: user,
  POSTGRES_PASSWORD: password,
  POSTGRES_DB: database,
  POSTGRES_MAX: 2,
  POSTGRES_PREPARE: true,
  POSTGRES_SSLMODE: 'disable',
  POSTGRES_CA: '',
})

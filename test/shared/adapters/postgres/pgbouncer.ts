/** Debian's pgbouncer in transaction mode in front of a test server. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Login } from '../../../sandbox/postgres.ts'
import { serverUser, sharedTemp } from '../../../sandbox/postgres-binaries.ts'

export interface Pooler {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** Version of the pgbouncer on the PATH as [major, minor]; undefined when there is none. */
export function poolerVersion(): readonly [number, number] | undefined {
  const { stdout } = spawnSync('pgbouncer', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  return major && minor ? [Number(major), Number(minor)] : undefined
}

/** Poolers keep prepared statements since 1.21. */
export const keepsPrepared = ([major, minor]: readonly [number, number]): boolean => major > 1 || minor >= 21

const settings = ({ host, port, user, password }: Login, listen: number, prepared: boolean): string => `
[databases]
* = host=${host} port=${port} user=${user} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_idle_timeout = 1
max_client_conn = 200
${prepared ? 'max_prepared_statements = 100' : ''}
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`)
    if (await answers(port)) return
    await sleep(50)
  }
  throw new Error('pgbouncer does not listen')
}

/** Starts it before all databases of a server. It refuses to run as root, so it runs as the server's user. */
export async function startPooler(server: Login, prepared: boolean): Promise<Pooler> {
  const user = await serverUser()
  const folder = await mkdtemp(join(await sharedTemp(), 'pgbouncer-'))
  const file = join(folder, 'pgbouncer.ini')
  const port = await freePort()
  await writeFile(file, settings(server, port, prepared), { mode: 0o600 })
  if (user) await Promise.all([folder, file].map((path) => chown(path, user.uid, user.gid)))
  const child = spawn('pgbouncer', ['-q', file], { cwd: folder, stdio: 'ignore', ...user })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await listening(child, port)
  } catch (error) {
    await stop()
    throw error
  }
  return { host: '127.0.0.1', port, stop }
}

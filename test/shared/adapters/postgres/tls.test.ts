/** TLS to a real server: certificates made by openssl, and what each POSTGRES_SSLMODE takes and refuses. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../../../shared/adapters/postgres/migrate.ts'
import { connect, createPoStore, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import { loadConfig } from '../../../../shared/settings/config.ts'
import { begun, input } from '../../../conformance/store/subject.ts'
import { databaseSettings, type Login } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'

type Mode = ReturnType<typeof databaseSettings>['POSTGRES_SSLMODE']

const folder = mkdtempSync(join(tmpdir(), 'postgres-tls-'))
const file = (name: string) => join(folder, name)
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })

function authority(name: string): void {
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  openssl('req', '-x509', ...made, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`)
}

/** A certificate for 127.0.0.1 and no other name. */
function serverCertificate(): void {
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=database']
  openssl('req', ...made, '-keyout', 'server.key', '-out', 'server.csr')
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\n')
  const by = ['-CA', 'ours.pem', '-CAkey', 'ours.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'server.csr', ...by, '-out', 'server.pem')
}

/** Serves TLS from now on, and nothing else to the role `secure`. */
async function switchOn({ server }: TestDatabases): Promise<void> {
  const { uid, gid } = statSync(server.dataDir)
  for (const name of ['server.pem', 'server.key']) {
    const path = join(server.dataDir, name)
    writeFileSync(path, readFileSync(file(name)))
    chmodSync(path, 0o600)
    chownSync(path, uid, gid)
  }
  const rules = join(server.dataDir, 'pg_hba.conf')
  writeFileSync(rules, `hostnossl all secure all reject\n${readFileSync(rules, 'utf8')}`)
  const sql = postgres({ ...server, max: 1 })
  await sql.unsafe(`create role secure superuser login password 'secure'`)
  for (const [name, value] of Object.entries({ ssl: 'on', ssl_cert_file: 'server.pem', ssl_key_file: 'server.key' }))
    await sql.unsafe(`alter system set ${name} = '${value}'`)
  await sql`select pg_reload_conf()`
  while ((await sql`show ssl`)[0]?.['ssl'] !== 'on') await sleep(50)
  await sql.end()
}

describe('TLS to PostgreSQL', () => {
  let plain: TestDatabases
  let secured: TestDatabases
  let login: Login
  const opened: Database[] = []
  const listening: Server[] = []

  const at = (mode: Mode, ca = '', change: Partial<Login> = {}): Database => {
    const settings = databaseSettings({ ...login, ...change })
    const database = connect({ ...settings, POSTGRES_SSLMODE: mode, POSTGRES_CA: ca }, { connectMs: 2000 })
    opened.push(database)
    return database
  }
  const isEncrypted = async (database: Database): Promise<boolean> => {
    const [row] = await database.query((sql) => sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`)
    return Boolean(row?.['ssl'])
  }
  const refusal = (database: Database): Promise<{ code: string; message: string }> =>
    database
      .query((sql) => sql`select 1`)
      .then(
        () => expect.fail('was let in'),
        (error) => error,
      )

  beforeAll(async () => {
    authority('ours')
    authority('theirs')
    serverCertificate()
    plain = await startTestDatabases()
    secured = await startTestDatabases({ own: true })
    await switchOn(secured)
    login = { ...(await secured.create()), user: 'secure', password: 'secure' }
  }, 60_000)
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.end({ timeout: 0 })))
    for (const server of listening.splice(0)) server.close()
  })
  afterAll(async () => {
    await Promise.all([plain?.stop(), secured?.stop()])
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['prefer', '', '127.0.0.1'],
    ['require', '', '127.0.0.1'],
    ['require', 'ours.pem', '127.0.0.1'],
    ['verify-ca', 'ours.pem', '127.0.0.1'],
    ['verify-ca', 'ours.pem', 'localhost'],
    ['verify-full', 'ours.pem', '127.0.0.1'],
  ] as const)('%s with authority %j at %s is encrypted', async (mode, ca, host) => {
    expect(await isEncrypted(at(mode, ca && file(ca), { host }))).toBe(true)
  })

  test.each([
    ['require', 'theirs.pem', '127.0.0.1', /certificate/],
    ['verify-ca', 'theirs.pem', '127.0.0.1', /certificate/],
    ['verify-ca', '', '127.0.0.1', /certificate/],
    ['verify-full', 'theirs.pem', '127.0.0.1', /certificate/],
    ['verify-full', '', '127.0.0.1', /certificate/],
    ['verify-full', 'ours.pem', 'localhost', /localhost/],
  ] as const)('%s with authority %j at %s is refused', async (mode, ca, host, why) => {
    const error = await refusal(at(mode, ca && file(ca), { host }))
    expect([error.code, error.message]).toEqual(['CONNECTION_NOT_TRUSTED', expect.stringMatching(why)])
    expect(error.message).toContain(mode)
  })

  test('disable speaks no TLS, and a server that demands it says no', async () => {
    expect(await refusal(at('disable'))).toMatchObject({ code: '28000' })
    expect(await isEncrypted(at('disable', '', { user: 'postgres', password: 'postgres' }))).toBe(false)
  })

  test.each(['require', 'verify-ca', 'verify-full'] as const)('%s is refused by a server without TLS', async (mode) => {
    const error = await refusal(at(mode, file('ours.pem'), await plain.create()))
    expect([error.code, error.message]).toEqual(['CONNECTION_NOT_TRUSTED', expect.stringMatching('speaks no TLS')])
  })

  test('prefer works with a server without TLS', async () => {
    expect(await isEncrypted(at('prefer', '', await plain.create()))).toBe(false)
  })

  test('bytes put beside the answer to SSLRequest are not taken for the server’s', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write('Sinjected')))
    listening.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await refusal(at('require', '', { port }))).toMatchObject({ code: 'CONNECTION_REFUSED' })
  })

  test('a server that takes the connection and says nothing is given up', async () => {
    const server = createServer((socket) => socket.on('error', () => {}))
    listening.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await refusal(at('require', '', { port }))).toMatchObject({ code: 'CONNECT_TIMEOUT' })
  })

  test('a connection that falls silent is given up, and the next query has another', async () => {
    let silent = false
    const relay = createServer((client) => {
      const upstream = createConnection(login.port, login.host)
      for (const socket of [client, upstream]) socket.on('error', () => {})
      client.pipe(upstream)
      upstream.on('data', (chunk) => silent || client.write(chunk))
      client.on('close', () => upstream.destroy())
    })
    listening.push(relay.listen(0, '127.0.0.1'))
    await once(relay, 'listening')
    const { port } = relay.address() as { port: number }
    const settings = { ...databaseSettings({ ...login, port }), POSTGRES_SSLMODE: 'verify-full' as const }
    const database = connect({ ...settings, POSTGRES_CA: file('ours.pem') }, { answerMs: 500 })
    opened.push(database)
    expect(await isEncrypted(database)).toBe(true)
    silent = true
    expect(await refusal(database)).toMatchObject({ code: 'ETIMEDOUT' })
    silent = false
    expect(await isEncrypted(database)).toBe(true)
  })

  test('an empty database is migrated, and an analysis recorded, over TLS alone', async () => {
    const empty = { ...(await secured.create('empty')), user: 'secure', password: 'secure' }
    const database = at('verify-full', file('ours.pem'), empty)
    expect(await migrate(database)).not.toEqual([])
    const store = createPoStore(database)
    await begun(store, input())
    expect(await store.list()).toHaveLength(1)
  })

  test('a file of authorities that is none is said at start', () => {
    for (const ca of [file('missing.pem'), file('server.key')])
      expect(() => at('verify-full', ca)).toThrow('POSTGRES_CA: expected a readable PEM file of certificates')
  })

  test('without a setting, TLS is used where the server has it', () => {
    const env = { POSTGRES_HOST: 'h', POSTGRES_USER: 'u', POSTGRES_PASSWORD: 'p', POSTGRES_DB: 'd' }
    expect(loadConfig(['database'], env)).toMatchObject({ POSTGRES_SSLMODE: 'prefer', POSTGRES_CA: '' })
  })
})

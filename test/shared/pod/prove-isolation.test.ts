import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type IsolationCheck, type IsolationTarget, parseReport } from '../../../shared/platform/isolation.ts'
import { checkIsolation } from '../../../shared/pod/check-isolation.ts'

const PROGRAM = fileURLToPath(new URL('../../../shared/pod/prove-isolation.ts', import.meta.url))
const servers: Server[] = []
const folder = await mkdtemp(join(tmpdir(), 'isolation-'))
afterAll(() => rm(folder, { recursive: true }))
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
})

const close = (server: Server) => new Promise((resolve) => server.close(resolve))

/** Something that accepts connections. */
async function listening(name: string): Promise<IsolationTarget & { readonly server: Server }> {
  const server = createServer((socket) => socket.on('error', () => {}).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  return { name, host: '127.0.0.1', port: (server.address() as AddressInfo).port, server }
}

/** An address whose packets are dropped: nobody is in the documentation's network (RFC 5737). */
const SILENT: IsolationTarget = { name: 'silent', host: '192.0.2.1', port: 80 }
const UNKNOWN: IsolationTarget = { name: 'unknown name', host: 'nothing.invalid.', port: 80 }

const check = (
  mustWork: readonly IsolationTarget[],
  mustFail: readonly IsolationTarget[],
  more = {},
): IsolationCheck => ({
  mustWork,
  mustFail,
  waitMs: 1000,
  settleMs: 300,
  ...more,
})

describe('a check', () => {
  test('proves isolation when nothing answers that must not, and says how long it took', async () => {
    const proxy = await listening('its proxy')
    const gone = await listening('gone')
    await close(gone.server)
    const report = await checkIsolation(check([proxy], [SILENT, UNKNOWN, gone]))
    expect(report).toEqual({
      proven: true,
      ms: expect.any(Number),
      waitedMs: expect.any(Number),
      closed: ['silent', 'unknown name', 'gone'],
      open: [],
      works: ['its proxy'],
      fails: [],
    })
    expect(report.ms).toBeLessThan(1000)
  })

  test('proves nothing while one of many answers, and names it', async () => {
    const [proxy, open] = await Promise.all([listening('its proxy'), listening('API server')])
    const report = await checkIsolation(check([proxy], [SILENT, open]))
    expect(report).toMatchObject({ proven: false, open: ['API server'], closed: ['silent'] })
    expect(report.ms).toBeGreaterThanOrEqual(300)
  })

  test('waits for a policy that takes effect a moment later', async () => {
    const [proxy, late] = await Promise.all([listening('its proxy'), listening('late')])
    setTimeout(() => void close(late.server), 500)
    const report = await checkIsolation(check([proxy], [late], { settleMs: 5000 }))
    expect(report).toMatchObject({ proven: true, open: [], closed: ['late'] })
    expect(report.ms).toBeGreaterThanOrEqual(500)
  })

  test('waits for a proxy that serves a moment later', async () => {
    const proxy = await listening('its proxy')
    await close(proxy.server)
    setTimeout(() => proxy.server.listen(proxy.port, '127.0.0.1'), 500)
    expect(await checkIsolation(check([proxy], [SILENT], { waitMs: 5000 }))).toMatchObject({ proven: true })
  })

  test('proves nothing without its proxy: a pod without any network would pass otherwise', async () => {
    const proxy = await listening('its proxy')
    await close(proxy.server)
    expect(await checkIsolation(check([proxy], [SILENT]))).toMatchObject({
      proven: false,
      open: [],
      fails: ['its proxy'],
    })
  })

  test('proves nothing when the proxy goes away during the attempts', async () => {
    const [proxy, late] = await Promise.all([listening('its proxy'), listening('late')])
    setTimeout(() => void close(proxy.server), 150)
    setTimeout(() => void close(late.server), 300)
    const report = await checkIsolation(check([proxy], [late], { settleMs: 5000 }))
    expect(report).toMatchObject({ proven: false, open: [], fails: ['its proxy'] })
  })
})

describe('the program', () => {
  async function run(given: IsolationCheck, env: Readonly<Record<string, string>>) {
    const [input, output] = [join(folder, 'check.json'), join(folder, 'report')]
    await writeFile(input, JSON.stringify(given))
    const code = await new Promise<number>((resolve) => {
      const child = execFile(process.execPath, [PROGRAM], {
        env: { PATH: process.env['PATH'], ISOLATION_CHECK: input, ISOLATION_REPORT: output, ...env },
      })
      child.on('exit', (status) => resolve(status ?? -1))
    })
    return { code, report: parseReport(await readFile(output, 'utf8')) }
  }

  test('ends with 0 and leaves its report', async () => {
    const { code, report } = await run(check([await listening('its proxy')], [SILENT]), {})
    expect(code).toBe(0)
    expect(report).toMatchObject({ proven: true, closed: ['silent'] })
  })

  test('adds the API server that Kubernetes names, and ends with 1 if it answers', async () => {
    const [proxy, api] = await Promise.all([listening('its proxy'), listening('API server')])
    const { code, report } = await run(check([proxy], [SILENT]), {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(api.port),
    })
    expect(code).toBe(1)
    expect(report).toMatchObject({ proven: false, open: ['API server'] })
  })
})

test.each([
  '',
  'Error',
  '{}',
  '{"proven":true}',
  '{"proven":true,"ms":1,"waitedMs":1,"closed":[1],"open":[],"works":[],"fails":[]}',
])('a message that is no report: %s', (text) => expect(parseReport(text)).toBeUndefined())

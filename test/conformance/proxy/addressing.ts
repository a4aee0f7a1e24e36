import { expect, test } from 'vitest'
import { startEcho } from '../echo.ts'
import { FORBIDDEN, MALFORMED, PROJECT, REACHED } from '../proxy-paths.ts'
import { ADDRESSES, ask, call, hostOf, MOVED, type ProxySubject } from './subject.ts'

/** Which upstream a path reaches, and which paths reach none. */
export function addressing(subject: ProxySubject): void {
  test('answers its own health', async () => {
    expect(await call(subject.proxy.url, '/healthz')).toMatchObject({ status: 200, body: 'healthy' })
  })

  test.each(REACHED)('%s reaches %s as %s', async (path, upstream, url) => {
    expect(await ask(subject.proxy.url, path)).toMatchObject({ address: ADDRESSES[upstream], url, method: 'GET' })
  })

  test.each(FORBIDDEN)('%s is forbidden', async (path) => {
    expect((await call(subject.proxy.url, path)).status).toBe(403)
  })

  test.each(MALFORMED)('%s is malformed', async (path) => {
    expect((await call(subject.proxy.url, path)).status).toBe(400)
  })

  test('a forbidden path stays forbidden for every method and with a body', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])
      expect((await call(subject.proxy.url, '/po/status', { method })).status).toBe(403)
    expect((await call(subject.proxy.url, '/po/', { method: 'POST', body: [Buffer.from('{}')] })).status).toBe(403)
  })

  test('follows a name to its new address', async () => {
    expect((await ask(subject.proxy.url, '/message-broker/healthz')).address).toBe(ADDRESSES.broker)
    subject.dns.records.set(hostOf('broker'), MOVED)
    await expect
      .poll(async () => (await ask(subject.proxy.url, '/message-broker/healthz')).address, {
        timeout: 8000,
        interval: 200,
      })
      .toBe(MOVED)
  })

  test('a name that does not resolve, or an upstream that is down, is a 502 and harms nothing else', async () => {
    const closed = await startEcho(['127.0.0.18'])
    await closed.close()
    subject.dns.records.set('down.test', '127.0.0.18')
    const lame = await subject.begin({
      storage: { host: 'nowhere.test', port: subject.echo.port },
      adapter: { host: 'down.test', port: closed.port },
      kong: { host: hostOf('kong'), port: subject.echo.port },
    })
    expect((await call(lame.url, '/storage/final/x')).status).toBe(502)
    expect((await call(lame.url, `/hub-adapter/kong/datastore/${PROJECT}`)).status).toBe(502)
    expect((await call(lame.url, '/healthz')).status).toBe(200)
    expect((await ask(lame.url, '/kong/x')).address).toBe(ADDRESSES.kong)
    subject.dns.records.set('nowhere.test', ADDRESSES.storage)
    await expect
      .poll(async () => (await call(lame.url, '/storage/final/x')).status, { timeout: 8000, interval: 200 })
      .toBe(200)
  })

  test('an upstream that the node does not have is a 503 that names it', async () => {
    const poor = await subject.begin({ storage: { host: hostOf('storage'), port: subject.echo.port } })
    expect(await call(poor.url, '/kong/source')).toMatchObject({
      status: 503,
      body: '{"detail":"kong is not available to this analysis"}',
    })
    expect((await call(poor.url, '/kongfoo')).status).toBe(403)
  })
}

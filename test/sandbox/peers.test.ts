import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patients } from './data/generate.ts'
import { KONG_TOKEN, type Peers, type SandboxPeer, startPeers } from './peers.ts'
import { unsignedToken } from './token.ts'

const ID = '3f0c5a52-6a0e-4d3e-9a35-0c2d4b7c1f10'
const OTHER = '11111111-1111-4111-8111-111111111111'

let peers: Peers
beforeAll(async () => {
  peers = await startPeers()
})
afterAll(() => peers?.close())

const call = (peer: SandboxPeer, path: string, init: RequestInit = {}, client: string | null = ID) =>
  fetch(`http://127.0.0.1:${peers.ports[peer]}${path}`, {
    ...init,
    headers: { ...(client ? { authorization: `Bearer ${unsignedToken(client)}` } : {}), ...init.headers },
  })

describe('who may do what', () => {
  test.each([
    ['broker', `/analyses/${ID}/participants/self`, ID, 200],
    ['broker', `/analyses/${ID}/participants/self`, null, 401],
    ['broker', `/analyses/${ID}/participants/self`, OTHER, 403],
    ['broker', '/healthz', null, 200],
    ['storage', '/final/x', null, 401],
    ['storage', '/final/x', ID, 404],
    ['adapter', '/kong/datastore/p', null, 401],
    ['adapter', '/kong/datastore/p', ID, 200],
    ['kong', '/patients/s3', ID, 401],
    ['kong', '/elsewhere', ID, 404],
  ] as const)('%s %s as %s: %i', async (peer, path, client, status) => {
    expect((await call(peer, path, {}, client)).status).toBe(status)
    expect(peers.requests.at(-1)).toEqual({ peer, method: 'GET', url: path, client, status })
  })
})

describe('broker', () => {
  const path = `/analyses/${ID}/messages/subscriptions`
  const subscribe = (webhookUrl: unknown) =>
    call('broker', path, { method: 'POST', body: JSON.stringify({ webhookUrl }) })

  test('keeps subscriptions until they are deleted', async () => {
    const { id } = (await (await subscribe('http://nginx-x/analysis/webhook')).json()) as { id: string }
    await subscribe('http://nginx-y/analysis/webhook')
    expect(peers.subscriptions(ID)).toHaveLength(2)
    expect((await call('broker', `${path}/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await (await call('broker', path)).json()).toMatchObject([{ webhookUrl: 'http://nginx-y/analysis/webhook' }])
    expect((await call('broker', path, { method: 'DELETE' }, OTHER)).status).toBe(403)
    expect(peers.subscriptions(ID)).toHaveLength(1)
    expect((await call('broker', path, { method: 'DELETE' })).status).toBe(204)
    expect(peers.subscriptions(ID)).toEqual([])
  })

  test('refuses a subscription without a URL', async () => {
    expect((await subscribe(7)).status).toBe(400)
  })
})

describe('storage', () => {
  const upload = (path: string, body: RequestInit['body']) =>
    call('storage', path, { method: 'PUT', body: body ?? null })

  test('gives back what was stored, as a form or bare, to the same analysis only', async () => {
    const content = Buffer.from([0, 255, 10, 13, 0, 45, 45])
    const form = new FormData()
    form.set('file', new Blob([content]), 'a.bin')
    form.set('tag', 'half')
    for (const [path, body] of [
      ['/local/', form],
      ['/intermediate', content],
    ] as const) {
      const { id, url } = (await (await upload(path, body)).json()) as { id: string; url: string }
      expect(url.endsWith(id)).toBe(true)
      const read = await call('storage', new URL(url).pathname)
      expect(Buffer.from(await read.arrayBuffer())).toEqual(content)
      expect((await call('storage', new URL(url).pathname, {}, OTHER)).status).toBe(404)
    }
    const tagged = (await (await call('storage', '/local/tags/half')).json()) as { results: unknown[] }
    expect(tagged.results).toHaveLength(1)
  })

  test('shows results without a token', async () => {
    await upload('/final/', 'the answer')
    const listed = (await (await call('storage', `/results/${ID}`, {}, null)).json()) as { id: string; area: string }[]
    const final = listed.find(({ area }) => area === 'final')
    expect(final).toMatchObject({ name: 'result', bytes: 10 })
    expect(await (await call('storage', `/results/${ID}/${final?.id}`, {}, null)).text()).toBe('the answer')
  })

  test('refuses a form without a file', async () => {
    const form = new FormData()
    form.set('tag', 'x')
    expect((await upload('/final/', form)).status).toBe(400)
  })
})

describe('kong', () => {
  const read = (path: string) => call('kong', path, { headers: { apikey: KONG_TOKEN } }, null)

  test('lists the bucket and serves the file', async () => {
    expect(await (await read('/patients/s3')).text()).toContain('<Key>patients.csv</Key>')
    const file = await read('/patients/s3/patients.csv')
    expect(await file.text()).toBe(readFileSync(new URL('data/patients.csv', import.meta.url), 'utf8'))
    expect((await read('/patients/s3/none')).status).toBe(404)
  })
})

test('the data file equals the output of its generator', () => {
  expect(readFileSync(new URL('data/patients.csv', import.meta.url), 'utf8')).toBe(patients())
})

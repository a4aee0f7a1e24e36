import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBroker } from '../../../../shared/adapters/broker/index.ts'
import type { Reach } from '../../../../shared/adapters/reach.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import { createSend } from '../../../../shared/platform/http-client.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import type { PeerService } from '../../../../shared/po/ports/cluster.ts'
import { type Break, type Incoming, type StandIn, startStandIn } from '../../../sandbox/stand-in.ts'

const ID = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
const TOKEN = 'analysis-token-4711'
const PEER: PeerService = { name: 'node-message-broker', port: 8081, targetPort: 8080, selector: {} }

let server: StandIn
let seen: Incoming[]
let asked: string[]
let issued: number
beforeEach(async () => {
  seen = []
  asked = []
  issued = 0
  server = await startStandIn({
    handle: (request) => {
      seen.push(request)
      return { status: 204 }
    },
  })
})
afterEach(() => server.stop())

const urlOf: Reach['urlOf'] = (service, port) => {
  asked.push(`${service}:${port}`)
  return server.url.replace(/\/$/, '')
}
const REACHES: Readonly<Record<string, () => Reach>> = {
  'its Service': () => ({ send: createSend(), urlOf }),
  'the API server': () => ({
    send: async ({ url, method, headers, body }, signal) => {
      const answer = await fetch(url, { method, headers: headers ?? {}, body: body ?? null, signal })
      return { status: answer.status, text: await answer.text(), retryAfter: null }
    },
    urlOf,
  }),
}

describe.each(Object.keys(REACHES))('the broker through %s', (way) => {
  const unsubscribe = (peer: () => Promise<PeerService | undefined> = async () => PEER) => {
    const reach = REACHES[way]?.() ?? expect.unreachable()
    const issueToken = async () => {
      issued += 1
      return { value: TOKEN, expiresAt: new Date() }
    }
    return createBroker({ ...reach, peer, deadlineMs: 800 }).unsubscribe(ID, issueToken)
  }

  test('is asked to forget the subscriptions, in the name of the analysis', async () => {
    await unsubscribe()
    expect(asked).toEqual(['node-message-broker:8081'])
    expect(seen.map(({ method, url, headers }) => [method, url.pathname, headers.authorization])).toEqual([
      ['DELETE', `/analyses/${ID}/messages/subscriptions`, `Bearer ${TOKEN}`],
    ])
  })

  test('that the node does not have is not asked, and no token is issued', async () => {
    await unsubscribe(async () => undefined)
    expect(server.requests).toEqual([])
    expect(issued).toBe(0)
  })

  test.each([200, 202, 204, 404])('that answers %i is done', async (status) => {
    server.fail(/./, { status, body: {} })
    await unsubscribe()
    expect(server.requests).toHaveLength(1)
  })

  test.each<readonly [string, Break, string]>([
    ['hangs', 'hang', 'unavailable'],
    ['cuts the connection', 'close', 'unavailable'],
    ['answers 500', { status: 500, body: TOKEN }, 'unavailable'],
    ['answers 401', { status: 401, body: TOKEN }, 'refused'],
    ['answers 403', { status: 403, body: TOKEN }, 'refused'],
  ])('that %s is a fault without the token', async (_, how, code) => {
    server.fail(/./, how)
    const fault = await unsubscribe().then(
      () => expect.unreachable('it should have failed'),
      (error: Fault) => error,
    )
    expect(fault.code).toBe(code)
    expect(fault.message).toMatch(/^The message broker /)
    expect(inspect(fault, { depth: null, showHidden: true })).not.toContain(TOKEN)
  })

  test('whose look-up fails hands that fault on', async () => {
    await expect(unsubscribe(() => Promise.reject(new Error('no API server')))).rejects.toThrow('no API server')
  })
})

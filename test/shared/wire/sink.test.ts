import { describe, expect, test } from 'vitest'
import { reconcileEvent } from '../../../shared/po/events.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { loadConfig } from '../../../shared/settings/config.ts'
import type { Context } from '../../../shared/wire/context.ts'
import { sink } from '../../../shared/wire/sink.ts'
import { startEventBroker } from '../../sandbox/broker/index.ts'

const config = (env: Record<string, string>) => loadConfig(['loop'], env)
const ports = (env: Record<string, string>) => sink({ config: config(env), env } as unknown as Context)

describe('at start', () => {
  test('FANOUT=events without K_SINK is a fault', () => {
    const start = () => sink.check(config({ FANOUT: 'events' }))
    expect(start).toThrow('configuration: K_SINK: expected a value, since FANOUT is events')
  })

  test.each([
    ['neither', {}],
    ['a sink alone', { K_SINK: 'http://broker' }],
    ['both', { K_SINK: 'http://broker', FANOUT: 'events' }],
    ['no fan-out, in so many words', { FANOUT: 'none' }],
  ])('%s is right', (_, env) => expect(() => sink.check(config(env))).not.toThrow())
})

test('without K_SINK there is no sink', () => expect(ports({})).toEqual({ sink: null }))

test('events go to K_SINK, with the extensions of K_CE_OVERRIDES', async () => {
  const broker = await startEventBroker()
  const env = { K_SINK: broker.url, K_CE_OVERRIDES: '{"extensions":{"site":"a"}}' }
  const id = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
  await ports(env).sink?.emit(reconcileEvent(id, 7, new Date(), '/namespaces/flame/po'))
  expect(broker.received.map(({ attributes }) => attributes)).toMatchObject([{ subject: id, site: 'a' }])
  await broker.stop()
})

import { describe, expect, test } from 'vitest'
import { sandboxOptions } from './options.ts'

test('nothing set: every tick arrives once, one reconciler, no broker, no cluster', () => {
  expect(sandboxOptions({})).toMatchObject({
    ports: { gateway: 8000 },
    intervalSeconds: 2,
    tickFaults: { double: 0, drop: 0, delayMs: [0, 0] },
    fanout: false,
    reconcilers: 1,
    env: {},
  })
  expect(sandboxOptions({})).not.toHaveProperty('kubeconfig')
})

describe('what is set', () => {
  test.each<readonly [Record<string, string>, object]>([
    [{ STATUS_LOOP_INTERVAL: '7' }, { intervalSeconds: 7 }],
    [{ STATUS_LOOP_INTERVAL: '0' }, { intervalSeconds: 1 }],
    [{ TICK_DOUBLE: '0.1' }, { tickFaults: { double: 0.1 } }],
    [{ TICK_DROP: '1' }, { tickFaults: { drop: 1 } }],
    [{ TICK_DELAY_MS: '100-3000' }, { tickFaults: { delayMs: [100, 3000] } }],
    [
      { FANOUT: 'events', RECONCILERS: '4' },
      { fanout: true, reconcilers: 4 },
    ],
    [{ K_SINK: 'http://127.0.0.1:9' }, { fanout: false, env: { K_SINK: 'http://127.0.0.1:9' } }],
    [{ KUBECONFIG: '/a', NAMESPACE: 'flame' }, { kubeconfig: '/a' }],
  ])('%j', (env, options) => expect(sandboxOptions(env)).toMatchObject(options))
})

describe('an invalid setting is named:', () => {
  test.each<readonly [Record<string, string>, string]>([
    [{ PO_PORT: '70000' }, 'PO_PORT: expected a whole number from 0 to 65535'],
    [{ TICK_DOUBLE: '10%' }, 'TICK_DOUBLE: expected a share from 0 to 1, such as 0.1'],
    [{ TICK_DROP: '1.5' }, 'TICK_DROP: expected a share from 0 to 1, such as 0.1'],
    [{ TICK_DELAY_MS: '100' }, 'TICK_DELAY_MS: expected two numbers of milliseconds such as 100-3000'],
    [{ TICK_DELAY_MS: '300-100' }, 'TICK_DELAY_MS: expected two numbers of milliseconds such as 100-3000'],
    [{ FANOUT: 'yes' }, 'FANOUT: expected none or events'],
    [{ FANOUT: 'events', K_SINK: 'http://a' }, 'K_SINK: expected none with FANOUT=events, which brings its own'],
    [{ RECONCILERS: '9' }, 'RECONCILERS: expected a whole number from 0 to 8'],
  ])('%j', (env, message) => expect(() => sandboxOptions(env)).toThrow(message))
})

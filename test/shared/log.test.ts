import { describe, expect, test } from 'vitest'
import { captureLog } from './http/edge.ts'

describe('a line', () => {
  test('is one JSON object with timestamp, level, logger, module and msg', () => {
    const { log, text } = captureLog('info', 'po-status')
    log.info({ n: 1 }, 'thing happened')
    expect(text()).toMatch(/^\{.*\}\n$/)
    const line = JSON.parse(text()) as Record<string, unknown>
    expect(line).toEqual({
      level: 'INFO',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      logger: 'po-status',
      module: 'po-status',
      n: 1,
      msg: 'thing happened',
    })
  })

  test('stays one line whatever is in it', () => {
    const { log, text } = captureLog()
    log.info({ field: 'a\nb' }, 'c\nd')
    expect(text().trimEnd()).not.toContain('\n')
  })

  test('tells an error with its stack and its cause', () => {
    const { log, text } = captureLog()
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
    expect(text()).toContain('outer')
    expect(text()).toContain('inner')
    expect(text()).toContain('log.test.ts')
  })
})

describe('levels', () => {
  const levels = ['trace', 'debug', 'info', 'action', 'status_loop', 'warn', 'error', 'fatal'] as const

  test.each([
    ['trace', 8],
    ['debug', 7],
    ['info', 6],
    ['action', 5],
    ['status_loop', 4],
    ['warn', 3],
    ['error', 2],
    ['fatal', 1],
  ] as const)('%s shows the %i highest', (level, count) => {
    const { log, lines } = captureLog(level)
    for (const one of levels) log[one]('said')
    expect(lines().map((line) => line['level'])).toEqual(levels.slice(-count).map((one) => one.toUpperCase()))
  })

  test('ACTION and STATUS_LOOP show at the default level, in these words', () => {
    const { log, lines } = captureLog('info')
    log.action('analysis created')
    log.status_loop('sweep completed')
    expect(lines().map((line) => line['level'])).toEqual(['ACTION', 'STATUS_LOOP'])
  })
})

describe('secrets', () => {
  const SECRET = 'hunter2'
  const fields = ['registry_password', 'registryPassword', 'kong_token', 'kongToken', 'password', 'secret', 'token']
  const more = ['access_token', 'refresh_token', 'client_secret', 'clientSecret', 'authorization']
  const variables = ['DATA_SOURCE_TOKEN', 'KEYCLOAK_TOKEN']

  test.each([...fields, ...more, ...variables])('%s is blanked at any depth we log at', (field) => {
    const { log, text, lines } = captureLog()
    log.info({ [field]: SECRET, a: { [field]: SECRET, b: { [field]: SECRET, plain: 'shown' } } }, 'said')
    expect(text()).not.toContain(SECRET)
    expect(lines()[0]?.[field]).toBe('[redacted]')
    expect(text()).toContain('shown')
  })
})

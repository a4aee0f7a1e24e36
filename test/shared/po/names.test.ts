import { describe, expect, test } from 'vitest'
import { type AnalysisId, isVersion4, parseAnalysisId, type RunNumber } from '../../../shared/po/model.ts'
import * as names from '../../../shared/po/names.ts'

const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d' as AnalysisId
const RUN = 12 as RunNumber

describe('analysis ids', () => {
  test.each([
    ['canonical', ID],
    ['upper case', ID.toUpperCase()],
    ['without dashes', ID.replaceAll('-', '')],
    ['upper case without dashes', ID.replaceAll('-', '').toUpperCase()],
  ])('%s is the same analysis', (_, text) => expect(parseAnalysisId(text)).toBe(ID))

  test.each(['', 'x', `${ID}0`, ` ${ID}`, ID.slice(1), `${ID}\n`, ID.replace('-', ''), `{${ID}}`])(
    '%j is no id',
    (text) => expect(parseAnalysisId(text)).toBeUndefined(),
  )

  test.each([
    [ID, true],
    ['0b8c1c0e-2a4f-1d1e-9c55-0d2f6a1b7e3d', false],
    ['0b8c1c0e-2a4f-4d1e-1c55-0d2f6a1b7e3d', false],
    ['00000000-0000-0000-0000-000000000000', false],
  ])('%s is of version 4: %s', (text, expected) => expect(isVersion4(text as AnalysisId)).toBe(expected))
})

describe('names have an inverse', () => {
  const made = [
    names.runName(ID, RUN),
    names.proxyName(ID, RUN),
    names.proxyConfigName(ID, RUN),
    names.policyName(ID, RUN),
    names.proxyPolicyName(ID, RUN),
    names.netStatsName(ID, RUN),
    names.credentialsName(ID, RUN),
    names.rootName(ID, RUN),
    `${names.runName(ID, RUN)}-5d9c8-x2x9k`,
    `${names.proxyName(ID, RUN)}-5d9c8-x2x9k`,
  ]
  test.each(made)('%s', (name) => expect(names.parseObjectName(name)).toEqual({ id: ID, run: RUN }))

  test('a container name is what log readers look for', () => {
    expect(names.runName(ID, RUN)).toMatch(/^(nginx-analysis|analysis)-[0-9a-f-]{36}-[0-9]+$/)
    expect(names.proxyName(ID, RUN)).toMatch(/^(nginx-analysis|analysis)-[0-9a-f-]{36}-[0-9]+$/)
    expect(names.netStatsName(ID, RUN)).toBe(`net-stats-analysis-${ID}-12`)
  })

  test.each([
    'analysis',
    `analysis-${ID}`,
    `analysis-${ID}-0`,
    `analysis-${ID}-x`,
    `analysis-x-1`,
    `other-analysis-${ID}-1`,
  ])('%s is not ours', (name) => expect(names.parseObjectName(name)).toBeUndefined())

  test('only the exact run name is a run', () => {
    expect(names.parseRunName(names.runName(ID, RUN))).toEqual({ id: ID, run: RUN })
    expect(names.parseRunName(names.proxyName(ID, RUN))).toBeUndefined()
    expect(names.parseRunName(`${names.runName(ID, RUN)}-x`)).toBeUndefined()
  })

  test('names fit into a label and a DNS name', () => {
    const long = names.policyName(ID, 999_999_999 as RunNumber)
    expect(names.proxyName(ID, 999_999 as RunNumber).length).toBeLessThanOrEqual(63)
    expect(long.length).toBeLessThanOrEqual(253)
  })
})

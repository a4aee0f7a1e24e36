/** What a launch may say: every rule of the contract, from both sides. */
import { describe, expect, test } from 'vitest'
import { launchRequest } from '../../../shared/dt/requests.ts'
import { launchBody } from '../../../shared/dt/schema.ts'
import type { Detail } from '../../../shared/http/validation.ts'
import { validate } from '../../../shared/http/validation.ts'
import { isFault } from '../../../shared/platform/fault.ts'

const ONDEMAND = { job_type: 'ondemand', reps: 2 }
const body = (fields: object = {}) => ({ image: 'img', version: 'latest', description: 'd', ana: ONDEMAND, ...fields })
const scheduled = (schedule: string | null) => body({ ana: { job_type: 'scheduled', reps: 1, schedule } })

const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, `data/${n}`]))
const variables = (count: number, value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`V${n}`, value]))
const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, 'v']))
const fanIn = (fields: object) => body({ fan_in: { image: 'img:1', ...fields } })

function refusal(value: unknown): readonly Detail[] {
  try {
    validate(launchBody, value, 'body')
  } catch (error) {
    if (isFault(error, 'invalid')) return error.detail as Detail[]
    throw error
  }
  return []
}

describe('accepted:', () => {
  test.each([
    ['the least', body()],
    ['a registry with a port', body({ image: 'registry.example:5000/proj/img', version: '1.0' })],
    ['a digest', body({ image: 'repo@sha256', version: 'a'.repeat(64) })],
    ['as many files as may be', body({ mount_files: files(1000) })],
    ['as many variables as may be', body({ env: variables(1000) })],
    ['nulls for what is optional', body({ port: null, env: null, mount_files: null, sim: null })],
    ['unknown keys', body({ colour: 'green' })],
    ['an empty sim beside ana', body({ sim: {} })],
    ['the lowest port', body({ port: 1024 })],
    ['the highest port', body({ port: 65_535 })],
    ['reps as text', body({ ana: { job_type: 'ondemand', reps: '5' } })],
    ['such a variable of a run', body({ env: { K_SERVICE: 'mine' } })],
    ['no reps', body({ ana: { job_type: 'persistent' } })],
    ['reps beyond what the kind allows, which Kubernetes refuses', body({ ana: { job_type: 'ondemand', reps: 1000 } })],
    ['files', body({ mount_files: { '669a4eee364a1b751c550b02': 'input.xlsx', b: 'deep/er.csv' } })],
    ['every minute', scheduled('* * * * *')],
    ['steps, a range, a list', scheduled('*/5 1-5 1,15 */2 0-6/2')],
    ['more spaces between', scheduled('0  0   1 1 0')],
    ['a day that never comes', scheduled('0 0 31 2 *')],
    ['a zero before a minute', scheduled('05 4 * * *')],
  ])('%s', (_, value) => expect(refusal(value)).toEqual([]))
})

describe('refused:', () => {
  test.each([
    ['no image', body({ image: undefined }), ['body', 'image']],
    ['an image that is no text', body({ image: 5 }), ['body', 'image']],
    ['no version', body({ version: undefined }), ['body', 'version']],
    ['no description', body({ description: undefined }), ['body', 'description']],
    ['a port below 1024', body({ port: 1023 }), ['body', 'port']],
    ['a port above 65535', body({ port: 65_536 }), ['body', 'port']],
    ['a port that is a word', body({ port: 'http' }), ['body', 'port']],
    ['a variable that is no text', body({ env: { A: 1 } }), ['body', 'env', 'A']],
    [
      'a variable of a server that Knative gives it',
      body({ ana: { job_type: 'persistent' }, env: { K_SERVICE: 'mine' } }),
      ['body', 'env', 'K_SERVICE'],
    ],
    ['a file above /input', body({ mount_files: { a: '../x' } }), ['body', 'mount_files', 'a']],
    ['an absolute file', body({ mount_files: { a: '/etc/passwd' } }), ['body', 'mount_files', 'a']],
    ['two files of one name', body({ mount_files: { a: 'x', b: 'x' } }), ['body', 'mount_files']],
    ['a file that is a folder of another', body({ mount_files: { a: 'x', b: 'x/y' } }), ['body', 'mount_files']],
    ['a file below the outputs', body({ mount_files: { a: 'outputs/0/r.txt' } }), ['body', 'mount_files', 'a']],
    ['a file called outputs', body({ mount_files: { a: 'outputs' } }), ['body', 'mount_files', 'a']],
    ['one file more than may be', body({ mount_files: files(1001) }), ['body', 'mount_files']],
    [
      'one file twice, in other letters',
      body({ mount_files: { ['a'.repeat(24)]: 'x', ['A'.repeat(24)]: 'y' } }),
      ['body', 'mount_files'],
    ],
    [
      'an id of a file that is too long',
      body({ mount_files: { ['a'.repeat(65)]: 'x' } }),
      ['body', 'mount_files', 'a'.repeat(65)],
    ],
    ['one variable more than may be', body({ env: variables(1001) }), ['body', 'env']],
    ['a variable that is too long', body({ env: { A: 'x'.repeat(32_769) } }), ['body', 'env', 'A']],
    ['variables that are too long together', body({ env: variables(9, 'x'.repeat(32_000)) }), ['body', 'env']],
    ['a variable with a space of another alphabet', body({ env: { ä: '1' } }), ['body', 'env', 'ä']],
    ['a variable without a name', body({ env: { '': '1' } }), ['body', 'env', '']],
    ['one variable of a fan-in more', fanIn({ env: variables(1001) }), ['body', 'fan_in', 'env']],
    ['a fan-in whose image has no valid name', fanIn({ image: 'Proj/Img' }), ['body', 'fan_in', 'image']],
    ['one label more than may be', body({ labels: labels(65) }), ['body', 'labels']],
    ['a description that is too long', body({ description: 'x'.repeat(10_001) }), ['body', 'description']],
    ['an image that is too long', body({ image: 'x'.repeat(513) }), ['body', 'image']],
    ['an image without a name', body({ image: '' }), ['body', 'image']],
    ['an image whose name has capitals', body({ image: 'Proj/Img' }), ['body', 'image']],
    ['an empty version', body({ version: '' }), ['body', 'image']],
    ['a version with a space', body({ version: ' 1' }), ['body', 'image']],
    ['a version with a plus', body({ version: '1.0+build' }), ['body', 'image']],
    ['a tag after a digest', body({ image: `repo@sha256:${'a'.repeat(64)}`, version: '1' }), ['body', 'image']],
    ['neither ana nor sim', body({ ana: undefined }), ['body']],
    ['an empty ana', body({ ana: {} }), ['body']],
    ['both', body({ sim: { a: 1 } }), ['body']],
    ['sim alone', body({ ana: null, sim: { a: 1 } }), ['body', 'sim']],
    ['no job type', body({ ana: { reps: 2 } }), ['body', 'ana', 'job_type']],
    ['an unknown job type', body({ ana: { job_type: 'daily' } }), ['body', 'ana', 'job_type']],
    ['reps that are a fraction', body({ ana: { job_type: 'ondemand', reps: 1.5 } }), ['body', 'ana', 'reps']],
    ['scheduled without schedule', body({ ana: { job_type: 'scheduled', reps: 1 } }), ['body', 'ana']],
    ['scheduled with a null schedule', scheduled(null), ['body', 'ana']],
    ['the name of a day', scheduled('0 0 * * MON'), ['body', 'ana', 'schedule']],
    ['a word', scheduled('@hourly'), ['body', 'ana', 'schedule']],
    ['a range within a list', scheduled('1-3,5 * * * *'), ['body', 'ana', 'schedule']],
    ['a zero before an hour', scheduled('0 05 * * *'), ['body', 'ana', 'schedule']],
    ['a space before', scheduled(' * * * * *'), ['body', 'ana', 'schedule']],
    ['four fields', scheduled('* * * *'), ['body', 'ana', 'schedule']],
    ['a step of nothing', scheduled('*/0 * * * *'), ['body', 'ana', 'schedule']],
    ['a minute there is not', scheduled('60 * * * *'), ['body', 'ana', 'schedule']],
  ])('%s', (_, value, loc) => expect(refusal(value).map((detail) => detail.loc)).toContainEqual(loc))

  test('62,000 names, the last two of which are one, within a tick', () => {
    const names = Object.fromEntries(Array.from({ length: 62_000 }, (_, n) => [`f${n}`, `name-${Math.min(n, 61_998)}`]))
    const wanted = body({ mount_files: names })
    const begun = performance.now()
    expect(refusal(wanted)).toMatchObject([{ msg: 'Input should have at most 1000 files' }])
    expect(performance.now() - begun).toBeLessThan(500)
  })

  test('the rule of one of two has the type that clients know', () => {
    expect(refusal(body({ ana: null }))).toMatchObject([{ type: 'assertion_error', loc: ['body'] }])
  })
  test('sim says what is supported', () => {
    expect(refusal(body({ ana: null, sim: { a: 1 } }))[0]?.msg).toContain('ondemand')
  })
})

describe('a launch', () => {
  test('names files by ids in small letters, as files are kept', () => {
    const { spec } = launchRequest(validate(launchBody, body({ mount_files: { ['A'.repeat(24)]: 'x' } }), 'body'))
    expect(spec.mountFiles).toEqual({ ['a'.repeat(24)]: 'x' })
  })
  test('names its image with the version, and keeps the order of variables', () => {
    const { spec } = launchRequest(validate(launchBody, body({ env: { B: '1', A: '2' } }), 'body'))
    expect(spec.image).toBe('img:latest')
    expect(Object.keys(spec.env)).toEqual(['B', 'A'])
    expect(spec.reps).toBe(2)
  })
})

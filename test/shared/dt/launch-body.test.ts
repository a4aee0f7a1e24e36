/** What a launch may say: every rule of the contract, from both sides. */
import { describe, expect, test } from 'vitest'
import { launchRequest } from '../../../shared/dt/requests.ts'
import { launchBody } from '../../../shared/dt/schema.ts'
import { isFault } from '../../../shared/fault.ts'
import type { Detail } from '../../../shared/http/validation.ts'
import { validate } from '../../../shared/http/validation.ts'

const ONDEMAND = { job_type: 'ondemand', reps: 2 }
const body = (fields: object = {}) => ({ image: 'img', version: 'latest', description: 'd', ana: ONDEMAND, ...fields })
const scheduled = (schedule: string | null) => body({ ana: { job_type: 'scheduled', reps: 1, schedule } })

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
    ['an empty image', body({ image: '' })],
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

  test('the rule of one of two has the type that clients know', () => {
    expect(refusal(body({ ana: null }))).toMatchObject([{ type: 'assertion_error', loc: ['body'] }])
  })
  test('sim says what is supported', () => {
    expect(refusal(body({ ana: null, sim: { a: 1 } }))[0]?.msg).toContain('ondemand')
  })
})

describe('a launch', () => {
  test('names its image with the version, and keeps the order of variables', () => {
    const { spec } = launchRequest(validate(launchBody, body({ env: { B: '1', A: '2' } }), 'body'))
    expect(spec.image).toBe('img:latest')
    expect(Object.keys(spec.env)).toEqual(['B', 'A'])
    expect(spec.reps).toBe(2)
  })
})

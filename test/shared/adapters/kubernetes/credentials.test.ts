import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { loadCredentials } from '../../../../shared/adapters/kubernetes/credentials.ts'
import { kubeconfigOf } from './scripted-api.ts'

const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.useRealTimers())

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const NONE = join(folder, 'none')
const POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
file('ca.crt', 'certificate')
file('token', 'first\n')
file('namespace', 'of-the-pod\n')
const bare = file('bare', kubeconfigOf('https://a:1/'))
const named = file('named', kubeconfigOf('https://a:1', 'of-context'))

describe('namespace', () => {
  test.each([
    ['the setting wins', { namespace: 'set', env: { KUBECONFIG: named }, serviceAccountDir: folder }, 'set'],
    ['an empty setting is none', { namespace: '', env: POD, serviceAccountDir: folder }, 'of-the-pod'],
    [
      "the service account's wins over KUBECONFIG's",
      { env: { KUBECONFIG: named }, serviceAccountDir: folder },
      'of-the-pod',
    ],
    ["KUBECONFIG's context", { env: { KUBECONFIG: named }, serviceAccountDir: NONE }, 'of-context'],
    [
      'a context without one means default, as for kubectl',
      { env: { KUBECONFIG: bare }, serviceAccountDir: NONE },
      'default',
    ],
  ])('%s', (_, options, expected) => {
    expect(loadCredentials(options).namespace).toBe(expected)
  })

  test('in a pod there is no guess', () => {
    expect(() => loadCredentials({ env: POD, serviceAccountDir: NONE })).toThrow('No namespace')
  })
})

describe('server', () => {
  test.each([
    ['in a pod', { ...POD }, 'https://10.0.0.1:443'],
    ['in a pod without a port', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'https://10.0.0.1:443'],
    ['in a pod with IPv6', { ...POD, KUBERNETES_SERVICE_HOST: 'fd00::1' }, 'https://[fd00::1]:443'],
    ['by KUBECONFIG, also in a pod', { ...POD, KUBECONFIG: bare }, 'https://a:1'],
    [
      'by the first of several files',
      { KUBECONFIG: `${bare}:${file('second', JSON.stringify({ clusters: [], users: [], contexts: [] }))}` },
      'https://a:1',
    ],
  ])('%s', (_, env, expected) => {
    expect(loadCredentials({ env, serviceAccountDir: folder }).server).toBe(expected)
  })

  test.each([
    ['nothing is given', {}, 'not in a pod'],
    ['the file is not there', { KUBECONFIG: NONE }, 'cannot be read'],
    ['the file is no YAML', { KUBECONFIG: file('broken', '{') }, 'cannot be read'],
    [
      'no context is current',
      { KUBECONFIG: file('empty', '{"clusters":[],"users":[],"contexts":[]}') },
      'names no cluster',
    ],
  ])('it is an error that %s', (_, env, message) => {
    expect(() => loadCredentials({ env, serviceAccountDir: folder })).toThrow(message)
  })
})

test('the token file is read again as it rotates, and the authorities with it', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  file('token', 'first\n')
  const { access } = loadCredentials({ env: POD, serviceAccountDir: folder })
  expect(await access()).toMatchObject({
    headers: { authorization: 'Bearer first' },
    tls: { ca: Buffer.from('certificate') },
  })
  file('token', 'second\n')
  file('ca.crt', 'another')
  vi.setSystemTime(Date.now() + 61_000)
  expect(await access()).toMatchObject({
    headers: { authorization: 'Bearer second' },
    tls: { ca: Buffer.from('another') },
  })
})

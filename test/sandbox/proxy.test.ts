import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { type ProxySetup, type ProxyUnderTest, proxyConformance } from '../conformance/proxy.ts'
import type { ProxyOptions } from './proxy.ts'
import { escapePath, normalisePath } from './proxy-path.ts'

/** As the sandbox starts it: a process of its own. */
async function startProcess({ resolver, ...location }: ProxySetup): Promise<ProxyUnderTest> {
  const options: ProxyOptions = { ...location, resolvers: [resolver] }
  const child = spawn(process.execPath, [new URL('proxy.ts', import.meta.url).pathname], {
    env: { ...process.env, PROXY_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    url,
    pid: child.pid ?? 0,
    close: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

proxyConformance("the sandbox's proxy", startProcess)

describe('paths', () => {
  test.each([
    ['/', '/'],
    ['/a/', '/a/'],
    ['//a///b', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/b/..', '/a/'],
    ['/a/..', '/'],
    ['/a/%2E%2e/b', '/b'],
    ['/a%2Fb', '/a/b'],
    ['/%252e', '/%2e'],
    ['/..', undefined],
    ['/%', undefined],
    ['a', undefined],
  ])('%s is %s', (raw, path) => expect(normalisePath(raw)).toBe(path))

  test('every byte comes back as it went in', () => {
    for (let byte = 1; byte < 256; byte += 1) {
      const character = String.fromCharCode(byte)
      if (character === '/' || character === '.') continue
      expect(normalisePath(escapePath(`/${character}`))).toBe(`/${character}`)
    }
  })
})

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { OPTIONS, VERBS } from '../../../knative/plugin/verbs.ts'
import { PLUGIN } from '../../../knative/render/plugin.ts'
import { poRoutes } from '../../../shared/routes/index.ts'
import { readText } from '../read.ts'
import { knPo, PROGRAM, serve } from './program.ts'

const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
/** Nothing listens there: with invalid arguments the plugin must not connect. */
const NOWHERE = await (async () => {
  await using server = await serve(() => {})
  return server.url
})()
const folder = mkdtempSync(join(tmpdir(), 'kn-po-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fileWith = (text: string): string => {
  const path = join(folder, `file-${Math.random()}`)
  writeFileSync(path, text)
  return path
}

describe('the file', () => {
  test('can be executed, and needs nothing but Node', () => {
    const text = readText(PLUGIN)
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(statSync(PROGRAM).mode & 0o111).toBe(0o111)
    const needed = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name.replace('node:', ''))
    expect(needed).not.toEqual([])
    expect(needed.filter((name) => !builtinModules.includes(name))).toEqual([])
  })
  test('works wherever it is copied to', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'plugins-'))
    const copy = join(elsewhere, 'kn-po')
    await copyFile(PROGRAM, copy)
    expect(await knPo(['routes', '-o', 'json'], {}, copy)).toEqual(await knPo(['routes', '-o', 'json']))
    await rm(elsewhere, { recursive: true })
  })
})

describe('help', () => {
  test.each([[[]], [['--help']], [['logs', '-h']], [['stop', 'no id', '--help']]])('%j', async (args) => {
    const { code, stdout, stderr } = await knPo(args)
    expect([code, stderr]).toEqual([0, ''])
    for (const verb of Object.keys(VERBS)) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'))
    for (const option of Object.keys(OPTIONS)) expect(stdout).toContain(`--${option}`)
  })
})

test('docs/kn.md shows the help as it is', async () => {
  expect(readText('docs/kn.md')).toContain(`$ kn po --help\n${(await knPo(['--help'])).stdout}\`\`\``)
})

describe('called wrongly', () => {
  const verbs = 'status, logs, record, stop, tick, routes, healthz or completion'
  const table: readonly (readonly [readonly string[], string, Record<string, string>?])[] = [
    [['start'], `expected ${verbs}, not 'start'`],
    [['-o', 'json'], `expected ${verbs}, not nothing`],
    [['status', 'x'], `status: expected the id of an analysis, a UUID, not 'x'`],
    [['status', ID, ID], `status: it takes one [ID], not also '${ID}'`],
    [['stop'], 'stop: expected the id of an analysis, a UUID, not nothing'],
    [['stop', ''], `stop: expected the id of an analysis, a UUID, not ''`],
    [['stop', '../po/delete'], `stop: expected the id of an analysis, a UUID, not '../po/delete'`],
    [['logs'], 'logs: expected the id of an analysis, a UUID, not nothing'],
    [['routes', 'all'], `routes: it takes no argument, not 'all'`],
    [['completion'], 'completion: expected bash or zsh, not nothing'],
    [['completion', 'fish'], `completion: expected bash or zsh, not 'fish'`],
    [['status', '-f'], '--follow is for logs, not for status'],
    [['stop', ID, '--history'], '--history is for logs, not for stop'],
    [['logs', ID, '-f', '--history'], '--follow is for live analyses, --history for ended ones: expected one of them'],
    [['status', '-o', 'yaml'], `--output: expected text or json, not 'yaml'`],
    [['status', '-n', ''], '--namespace: expected NAME, not nothing'],
    [['status', '--wide'], `Unknown option '--wide'`],
    [['status', '--url'], `Option '--url <value>' argument missing`],
    [['status', '--url', 'po-service:8000'], `--url: expected an http:// or https:// URL`],
    [['status', '--url', 'http://a:b@po'], `--url: expected an http:// or https:// URL without user`],
    [['status'], `PO_URL: expected an http:// or https:// URL`, { PO_URL: 'po' }],
    [['tick'], `PO_TICK_URL: expected an http:// or https:// URL`, { PO_TICK_URL: 'po' }],
    [['status', '--url', NOWHERE], 'no token: expected --token-file, --token, PO_TOKEN, or KEYCLOAK_URL with'],
    [['status', '--url', NOWHERE, '--token', 'a', '--token-file', 'b'], 'expected --token or --token-file, not both'],
    [['status', '--url', NOWHERE, '--token-file', '/no/such'], `--token-file: '/no/such' cannot be read (ENOENT)`],
    [['status', '--url', NOWHERE, '--token-file', fileWith('')], '--token-file: expected one token, not nothing'],
    [['status', '--url', NOWHERE], 'PO_TOKEN: expected one token, not text with blanks', { PO_TOKEN: 'a\nb' }],
    [
      ['status', '--url', NOWHERE],
      'expected PO_TOKEN or PO_TOKEN_FILE, not both',
      { PO_TOKEN: 'a', PO_TOKEN_FILE: 'b' },
    ],
    [
      ['status', '--url', NOWHERE],
      'no token: for one from Keycloak KEYCLOAK_URL and PO_CLIENT_SECRET is lacking',
      { PO_CLIENT_ID: 'hub-adapter' },
    ],
    [
      ['status', '--url', NOWHERE],
      `KEYCLOAK_URL: expected an http:// or https:// URL, not 'keycloak'`,
      { PO_CLIENT_ID: 'a', PO_CLIENT_SECRET: 'b', KEYCLOAK_URL: 'keycloak' },
    ],
  ]
  test.each(table.map(([args, message, env = {}]) => [args, message, env] as const))(
    '%j: %s',
    async (args, message, env) => {
      const { code, stdout, stderr } = await knPo(args, env)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(`kn po: ${message}`)
      expect(stderr).toContain('kn po --help')
    },
  )
})

describe('unreachable', () => {
  const env = { PO_TOKEN: 'token' }
  test.each([
    [['status', '--url', NOWHERE], `${NOWHERE}: nothing listens there`],
    [['healthz', '--url', 'http://no-such-host.invalid'], 'http://no-such-host.invalid: '],
    [['tick', '--url', NOWHERE], `${NOWHERE}: nothing listens there`],
  ])('%j: %s', async (args, message) => {
    const { code, stdout, stderr } = await knPo(args, env)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`kn po: ${message}`)
  })
  test.each([['status'], ['tick']])('%s without a URL and without kubectl', async (verb) => {
    const { code, stderr } = await knPo([verb], { ...env, PATH: folder })
    expect(stderr).toBe('kn po: kubectl is not on the PATH: expected it there, or --url\n')
    expect(code).toBe(1)
  })
  test('what names a cluster on the command line wins over a URL of the environment', async () => {
    const typed = await knPo(['status', '-n', 'flame'], { ...env, PATH: folder, PO_URL: NOWHERE })
    expect(typed.stderr).toContain('kubectl is not on the PATH')
    expect((await knPo(['status'], { ...env, PATH: folder, PO_URL: NOWHERE })).stderr).toContain(
      'nothing listens there',
    )
  })
})

describe('routes', () => {
  test('in JSON are the table', async () => {
    const { code, stdout } = await knPo(['routes', '-o', 'json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(poRoutes)))
  })
  test('in text have a line for each endpoint', async () => {
    const { stdout } = await knPo(['routes'])
    const [head = '', ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^FUNCTION +METHOD +PATH +CALLER +KUBERNETES$/)
    const endpoints = poRoutes.flatMap(({ endpoints }) => endpoints.map(({ method, path }) => `${method} ${path}`))
    const [method, path] = [head.indexOf('METHOD'), head.indexOf('PATH')]
    const said = lines.map((line) => `${line.slice(method, path).trim()} ${line.slice(path).split(' ')[0]}`)
    expect(said).toEqual(endpoints)
    expect(stdout).toMatch(/^po-logs +GET +\/po\/logs +user +pods: list; pods\/log: get$/m)
    expect(stdout).toMatch(/^po-status-reconcile +POST +\/ +CloudEvents +secrets, configmaps, services: create patch;/m)
  })
})

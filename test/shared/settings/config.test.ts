import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { SettingGroup } from '../../../shared/routes/index.ts'
import {
  ConfigFault,
  type Environment,
  loadConfig,
  SETTINGS,
  type SettingName,
} from '../../../shared/settings/config.ts'

const VALUE = 'hunter2'
const GROUPS = [
  'auth',
  'database',
  'identity',
  'hub',
  'registry',
  'runs',
  'loop',
  'signing',
  'dt',
  'files',
  'tokens',
  'services',
  'outputs',
  'import',
] as const
const names = Object.keys(SETTINGS) as SettingName[]
const required = names.filter((name) => SETTINGS[name].default === undefined)
const secrets = names.filter((name) => SETTINGS[name].secret)

const complete: Environment = Object.fromEntries(
  required.map((name) => [
    name,
    name === 'MONGO_URL'
      ? 'mongodb://host:1'
      : name.includes('URL')
        ? 'http://host:1/path/'
        : 'text of more than 32 characters in all',
  ]),
)

const faultsOf = (groups: readonly SettingGroup[], env: Environment): readonly string[] => {
  try {
    loadConfig(groups, env)
    return []
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults
    throw error
  }
}

describe('faults', () => {
  test('are listed all at once, by name', () => {
    const faults = faultsOf(GROUPS, {})
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([...required].sort())
  })

  const malformed: [name: SettingName, value: string][] = [
    ['POSTGRES_PORT', VALUE],
    ['POSTGRES_PORT', '0'],
    ['POSTGRES_PORT', '65536'],
    ['POSTGRES_PORT', '5432.5'],
    ['POSTGRES_PORT', ' 5432'],
    ['POSTGRES_PREPARE', VALUE],
    ['KEYCLOAK_URL', VALUE],
    ['KEYCLOAK_URL', `ftp://${VALUE}`],
    ['KEYCLOAK_URL', `https://robot:${VALUE}@host`],
    ['HUB_URL_CORE', `https://${VALUE}@host`],
    ['K_SINK', `http://robot:${VALUE}@sink`],
    ['HARBOR_URL', `https://robot:${VALUE}@harbor.example`],
    ['HARBOR_URL', `${VALUE} and more`],
    ['HUB_LOGGING', VALUE],
    ['POD_SECURITY', VALUE],
    ['SIDECAR_REACH', VALUE],
    ['ANALYSIS_MEMORY_LIMIT', VALUE],
    ['STATUS_LOOP_INTERVAL', '0'],
    ['RESTART_MAX', '-1'],
    ['LOG_LEVEL', VALUE],
    ['PORT', VALUE],
    ['POSTGRES_HOST', ''],
    ['POSTGRES_PASSWORD', ''],
    ['DT_AUTH', VALUE],
    ['DT_AUTH', ''],
    ['VERSION', 'v1/alpha'],
    ['FILE_MAX_MIB', '0'],
    ['DT_TOKEN_KEY', VALUE],
    ['DT_TOKEN_KEY', `${'k'.repeat(32)},${VALUE}`],
  ]
  test.each(malformed)('%s=%j is one, and its value is not named', (name, value) => {
    const faults = faultsOf(GROUPS, { ...complete, [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${name}: expected `))
    expect(faults[0]).not.toContain(VALUE)
  })

  test('do not count where the group is not wanted', () => {
    expect(faultsOf(['auth'], { KEYCLOAK_URL: 'http://k', POSTGRES_PORT: VALUE, HUB_URL_CORE: VALUE })).toEqual([])
  })

  test('never hold a value, even all of them together', () => {
    const wrong = Object.fromEntries(names.map((name) => [name, `${VALUE} \n`]))
    expect(faultsOf(GROUPS, wrong).length).toBeGreaterThan(10)
    expect(faultsOf(GROUPS, wrong).join()).not.toContain(VALUE)
  })
})

describe('values', () => {
  test('have their defaults', () => {
    const config = loadConfig(GROUPS, complete)
    expect(config).toMatchObject({ POSTGRES_PORT: 5432, POSTGRES_MAX: 2, POSTGRES_PREPARE: true, HUB_LOGGING: true })
    expect(config).toMatchObject({ KEYCLOAK_REALM: 'flame', STATUS_LOOP_INTERVAL: 10, PORT: 8080, LOG_LEVEL: 'info' })
  })

  test('lose the last slash of a URL, so that paths can be put behind it', () => {
    expect(loadConfig(GROUPS, complete).KEYCLOAK_URL).toBe('http://host:1/path')
  })

  test.each([
    ['true', true],
    ['True', true],
    ['1', true],
    ['false', false],
    ['0', false],
    ['', false],
  ])('%j is the boolean %s', (text, value) => {
    expect(loadConfig(GROUPS, { ...complete, HUB_LOGGING: text }).HUB_LOGGING).toBe(value)
  })

  test('take an empty proxy for none', () => {
    expect(loadConfig(GROUPS, { ...complete, PO_HTTP_PROXY: '' }).PO_HTTP_PROXY).toBe('')
  })
})

describe('secrets in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  const file = join(folder, 'secret')
  const kept = `${VALUE}-of-more-than-32-characters-in-all`
  writeFileSync(file, `${kept}\n`)
  const address = join(folder, 'address')
  writeFileSync(address, `${complete['MONGO_URL']}\n`)
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(secrets)('%s_FILE: the content without its last newline is the value', (name) => {
    const { [name]: _, ...rest } = complete
    const read = name === 'MONGO_URL' ? address : file
    const expected = { DT_TOKEN_KEY: [kept], MONGO_URL: complete['MONGO_URL'] }[name as string] ?? kept
    expect(loadConfig(GROUPS, { ...rest, [`${name}_FILE`]: read })[name]).toEqual(expected)
  })

  test.each(secrets)('%s and %s_FILE together are a fault', (name) => {
    const faults = faultsOf(GROUPS, { ...complete, [name]: VALUE, [`${name}_FILE`]: file })
    expect(faults).toEqual([`${name}: expected either ${name} or ${name}_FILE, not both`])
  })

  test.each(secrets)('%s_FILE that cannot be read is a fault, and its path is not named', (name) => {
    const { [name]: _, ...rest } = complete
    const faults = faultsOf(GROUPS, { ...rest, [`${name}_FILE`]: `/nowhere/${VALUE}` })
    expect(faults).toEqual([`${name}: expected ${name}_FILE to name a readable file`])
  })

  test('a setting that is no secret has no file', () => {
    const { POSTGRES_HOST: _, ...rest } = complete
    expect(faultsOf(GROUPS, { ...rest, POSTGRES_HOST_FILE: file })).toEqual(['POSTGRES_HOST: expected a value'])
  })
})

describe('DNS_PEERS', () => {
  const peersOf = (text: string) => loadConfig(['runs'], { ...complete, DNS_PEERS: text }).DNS_PEERS

  test.each([
    ['kube-system/k8s-app=kube-dns:53', { to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 }],
    [
      'openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353',
      { to: { namespace: 'openshift-dns', label: ['dns.operator.openshift.io/daemonset-dns', 'default'] }, port: 5353 },
    ],
    ['169.254.20.10/32:53', { to: { cidr: '169.254.20.10/32' }, port: 53 }],
    ['fd00:10:96::a/128:53', { to: { cidr: 'fd00:10:96::a/128' }, port: 53 }],
  ])('takes %s', (text, peer) => {
    expect(peersOf(text)).toEqual([peer])
    expect(peersOf(`${text}, 10.0.0.10/32:53`)).toEqual([peer, { to: { cidr: '10.0.0.10/32' }, port: 53 }])
  })

  test.each([
    '',
    ',',
    'k8s-app=kube-dns:53',
    'kube-system/k8s-app=kube-dns',
    'kube-system/k8s-app=kube-dns:0',
    'kube-system/k8s-app=kube-dns:65536',
    'Kube/k8s-app=kube-dns:53',
    '10.0.0.10:53',
    '10.0.0.10/33:53',
    '300.0.0.10/32:53',
    'fd00::1/129:53',
    'kube-system/k8s-app=kube-dns:53,nonsense',
  ])('refuses "%s"', (text) => {
    expect(faultsOf(['runs'], { ...complete, DNS_PEERS: text })).toEqual([
      'DNS_PEERS: expected entries such as kube-system/k8s-app=kube-dns:53 or 169.254.20.10/32:53',
    ])
  })
})

describe('DT_EGRESS', () => {
  const egress = (text: string) => ({ ...complete, DT_EGRESS: text })

  test.each(['app=influxdb:8086', '10.0.0.0/8:1883', '0.0.0.0/0:443', '::/0:443', 'fd00:10::/32:443'])(
    'takes %s',
    (text) => {
      expect(loadConfig(['services'], egress(text)).DT_EGRESS).toHaveLength(1)
    },
  )

  test.each([
    ['169.254.169.254/32:80', '169.254.0.0/16'],
    ['10.0.0.0/8:443,127.0.0.1/32:6443', '127.0.0.0/8'],
    ['fe80::/64:443', 'fe80::/10'],
    ['fd00:ec2::254/128:80', 'fd00:ec2::254/128'],
  ])('refuses %s', (text, closed) => {
    expect(faultsOf(['services'], egress(text))).toEqual([
      `DT_EGRESS: expected blocks outside of ${closed}, which holds metadata, link-local or loopback addresses`,
    ])
  })

  test.each(['300.0.0.0/8:443', '10.0.0.0/40:443', '1::2::3/64:443'])('refuses %s, which is no block', (text) => {
    expect(faultsOf(['services'], egress(text))[0]).toContain('expected entries such as')
  })
})

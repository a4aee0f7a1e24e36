import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../shared/platform/fault.ts'
import { loginFor, recordedHost, registryHost } from '../../../shared/po/registry.ts'

const SECRET = 'hunter2'

describe('the registry that a request names', () => {
  test.each([
    ['harbor.example', 'harbor.example'],
    ['harbor.example:5000', 'harbor.example:5000'],
    ['https://Harbor.Example:8443/project/', 'harbor.example:8443'],
    [' http://harbor.example ', 'harbor.example'],
    ['oci://harbor.example/project', 'harbor.example'],
    ['localhost', 'localhost'],
    ['[fd00::1]:5000/v2', '[fd00::1]:5000'],
  ])('%j is at host %s', (url, host) => {
    expect(registryHost(url)).toBe(host)
    expect(recordedHost(url)).toBe(host)
  })

  test.each([
    [' '],
    ['https://'],
    ['https:///project'],
    [`:${SECRET}`],
    [`harbor.example:${SECRET}`],
    ['harbor.example:0'],
    ['harbor.example:65536'],
    [`harbor.example?password=${SECRET}`],
    [`harbor ${SECRET}`],
    ['-harbor.example'],
  ])('%j is refused with what was expected, and not repeated', (url) => {
    const fault = faultOf(() => registryHost(url))
    expect(fault).toMatchObject({
      code: 'invalid',
      message: 'registry_url should name a registry, such as harbor.example or https://harbor.example:8443',
    })
    expect(recordedHost(url)).toBe('')
  })

  test.each([
    [`https://robot:${SECRET}@harbor.example/v2`, 'harbor.example'],
    [`robot:${SECRET}@harbor.example`, 'harbor.example'],
    [`${SECRET}@harbor.example:5000`, 'harbor.example:5000'],
    [`https://robot:${SECRET}/x@harbor.example`, 'harbor.example'],
    [`https://robot:${SECRET}@`, ''],
  ])('%j is refused because of its login', (url, host) => {
    const fault = faultOf(() => registryHost(url))
    expect(fault).toMatchObject({
      code: 'invalid',
      message: 'registry_url holds a login: it belongs into registry_user and registry_password',
    })
    expect(recordedHost(url)).toBe(host)
  })
})

const SITE = { url: 'https://Harbor.Flame.example/v2', user: 'robot$node', password: 'of-the-node' }
const OWN = { user: 'own', password: 'of-the-caller' }
const NODE = { user: SITE.user, password: SITE.password }
const NONE = { user: '', password: '' }
const HERE = 'harbor.flame.example'
const ELSEWHERE = 'attacker.example:5000'

describe('the login that an image is pulled with', () => {
  test.each([
    ['own pair at the site', HERE, OWN, SITE, OWN],
    ['own pair elsewhere', ELSEWHERE, OWN, SITE, OWN],
    ['none at the site', HERE, NONE, SITE, NODE],
    ['none elsewhere', ELSEWHERE, NONE, SITE, null],
    ['none at another port of the site', `${HERE}:5000`, NONE, SITE, null],
    ['none at a host below the site', `x.${HERE}`, NONE, SITE, null],
    ['a user alone at the site', HERE, { ...OWN, password: '' }, SITE, NODE],
    ['a password alone at the site', HERE, { ...OWN, user: '' }, SITE, NODE],
    ['a user alone elsewhere', ELSEWHERE, { ...OWN, password: '' }, SITE, null],
    ['a password alone elsewhere', ELSEWHERE, { ...OWN, user: '' }, SITE, null],
    ['none, and the site has a user alone', HERE, NONE, { ...SITE, password: '' }, null],
    ['none, and the site has a password alone', HERE, NONE, { ...SITE, user: '' }, null],
    ['none, and the site names no registry', HERE, NONE, { ...SITE, url: '' }, null],
    ['none of a row without a registry, and the site names none', '', NONE, { ...SITE, url: '' }, null],
  ] as const)('%s', (_, host, asked, site, login) => {
    expect(loginFor(host, asked, site)).toEqual(login)
  })
})

function faultOf(act: () => unknown): Fault {
  try {
    act()
  } catch (error) {
    return error as Fault
  }
  throw new Error('it was accepted')
}

/** What the API says about itself, as far as clients ask before they act. */
import { apiVersionOf, KINDS, type Kind } from './objects.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const groups = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group !== '')
const ofGroup = (group: string) => KINDS.filter((kind) => kind.group === group)

export function discovery(path: string): unknown {
  if (path === '/version') return VERSION
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupInfo) }
  if (path === '/api/v1') return resources('')
  const group = groups.find((name) => path === `/apis/${name}` || path === `/apis/${name}/v1`)
  if (group === undefined) return undefined
  return path.endsWith('/v1') ? resources(group) : { kind: 'APIGroup', apiVersion: 'v1', ...groupInfo(group) }
}

const VERSION = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0-sandbox',
  platform: `${process.platform}/${process.arch}`,
}

function groupInfo(name: string) {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

function resources(group: string) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version: 'v1' } as Kind),
    resources: ofGroup(group).flatMap((kind) => [
      {
        name: kind.plural,
        singularName: kind.kind.toLowerCase(),
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: VERBS,
        shortNames: kind.short,
      },
      ...kind.subresources.map((sub) => ({
        name: `${kind.plural}/${sub}`,
        singularName: '',
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: ['get', 'patch', 'update'],
      })),
    ]),
  }
}

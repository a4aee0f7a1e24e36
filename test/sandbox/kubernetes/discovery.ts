/** What the API says about itself, as far as clients ask before they act. */
import { apiVersionOf, KINDS, type Kind } from './objects.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const groups = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group !== '')
const ofGroup = (group: string) => KINDS.filter((kind) => kind.group === group)

export function discovery(path: string): unknown {
  if (path === '/version') return VERSION
  if (path === '/openapi/v3')
    return {
      paths: Object.fromEntries(
        KINDS.map((kind) => [pathOf(kind), { serverRelativeURL: `/openapi/v3/${pathOf(kind)}` }]),
      ),
    }
  if (path.startsWith('/openapi/v3/')) return openApi(path.slice('/openapi/v3/'.length))
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupInfo) }
  if (path === '/api/v1') return resources('')
  const group = groups.find((name) => path === `/apis/${name}` || path === `/apis/${name}/v1`)
  if (group === undefined) return undefined
  return path.endsWith('/v1') ? resources(group) : { kind: 'APIGroup', apiVersion: 'v1', ...groupInfo(group) }
}

/** What `kubectl get all` means. */
const IN_ALL = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet'])

const pathOf = ({ group, version }: Kind): string => (group ? `apis/${group}/${version}` : `api/${version}`)

/** No schemas: only that patches may be validated by the server, so that kubectl leaves it to us. */
function openApi(path: string) {
  const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }]
  const kinds = KINDS.filter((kind) => pathOf(kind) === path)
  const operations = kinds.map((kind) => [
    `/${path}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}/{name}`,
    {
      patch: {
        parameters,
        'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
      },
    },
  ])
  return { openapi: '3.0.0', info: { title: 'sandbox', version: '1' }, paths: Object.fromEntries(operations) }
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
        ...(IN_ALL.has(kind.kind) ? { categories: ['all'] } : {}),
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

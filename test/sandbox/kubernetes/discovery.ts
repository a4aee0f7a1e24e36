/** What the API says about itself, as far as clients ask before they act. */
import type { Kinds } from './kinds.ts'
import { apiVersionOf, type Kind, type Schema } from './objects.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export function discovery(kinds: Kinds, path: string): unknown {
  if (path === '/version') return VERSION
  const all = kinds.all()
  const at = (place: string) => all.filter((kind) => pathOf(kind) === place)
  if (path === '/openapi/v3')
    return {
      paths: Object.fromEntries(
        all.map((kind) => [pathOf(kind), { serverRelativeURL: `/openapi/v3/${pathOf(kind)}` }]),
      ),
    }
  if (path.startsWith('/openapi/v3/')) {
    const place = path.slice('/openapi/v3/'.length)
    return openApi(place, at(place))
  }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(all).map(groupInfo) }
  const here = at(path.slice(1))
  if (here[0]) return resources(apiVersionOf(here[0]), here)
  const group = groups(all).find(([{ group: name }]) => path === `/apis/${name}`)
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupInfo(group) }
}

type Group = readonly [Kind, ...Kind[]]

/** One kind of each version, by group; the core is none. */
function groups(all: readonly Kind[]): Group[] {
  const byName = new Map<string, Map<string, Kind>>()
  for (const kind of all) {
    const versions = byName.get(kind.group) ?? new Map<string, Kind>()
    byName.set(kind.group, versions.set(kind.version, kind))
  }
  byName.delete('')
  return [...byName.values()].map((versions) => [...versions.values()] as [Kind, ...Kind[]])
}

/** What `kubectl get all` means. */
const IN_ALL = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet', 'Job', 'CronJob'])

const categoriesOf = ({ kind, custom }: Kind) => custom?.categories ?? (IN_ALL.has(kind) ? ['all'] : [])

const pathOf = ({ group, version }: Kind): string => (group ? `apis/${group}/${version}` : `api/${version}`)

/** Schemas of custom kinds only, and that patches may be validated by the server, so that kubectl leaves it to us. */
function openApi(path: string, kinds: readonly Kind[]) {
  const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }]
  const operations = kinds.map((kind) => [
    `/${path}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}/{name}`,
    {
      patch: {
        parameters,
        'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
      },
    },
  ])
  const schemas = kinds.flatMap((kind) =>
    kind.custom ? [[schemaName(kind), describedSchema(kind, kind.custom.schema)]] : [],
  )
  return {
    openapi: '3.0.0',
    info: { title: 'sandbox', version: '1' },
    paths: Object.fromEntries(operations),
    components: { schemas: Object.fromEntries(schemas) },
  }
}

/** As the API names them: the group's parts in reverse. */
const schemaName = ({ group, version, kind }: Kind): string => [...group.split('.').reverse(), version, kind].join('.')

/** For `kubectl explain`: with the fields that every object has. */
function describedSchema(kind: Kind, schema: Schema) {
  const { group, version, kind: name } = kind
  const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } }
  return {
    ...schema,
    properties: { ...common, ...schema.properties },
    'x-kubernetes-group-version-kind': [{ group, version, kind: name }],
  }
}

const VERSION = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0-sandbox',
  platform: `${process.platform}/${process.arch}`,
}

function groupInfo(kinds: Group) {
  const versions = kinds.map((kind) => ({ groupVersion: apiVersionOf(kind), version: kind.version }))
  return { name: kinds[0].group, versions, preferredVersion: versions[0] }
}

function resources(groupVersion: string, kinds: readonly Kind[]) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: kinds.flatMap((kind) => [
      {
        name: kind.plural,
        singularName: kind.custom?.singular ?? kind.kind.toLowerCase(),
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: VERBS,
        shortNames: kind.short,
        categories: categoriesOf(kind),
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

/** Files below `knative/` and `functions/` that are made from tables, and the folders in which nothing else may lie. */
import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { dtRoutes, functionFolder, poRoutes, type Route } from '../shared/routes.ts'
import { admission } from './admission.ts'
import { eventing, podHints } from './events.ts'
import { renderFuncYaml } from './func-yaml.ts'
import { knativeService } from './function-service.ts'
import { gatewayConf } from './gateway-conf.ts'
import { httpRoute } from './http-route.ts'
import { migration } from './migration.ts'
import { policies } from './policies.ts'
import { access } from './rbac.ts'
import type { Rendered } from './render.ts'
import { secretsTemplate, settingsTemplate } from './settings-templates.ts'
import { renderPingSource } from './status-loop.ts'
import { callerRoutes, runRoutes, twinPolicies, twinSources, withoutPo } from './twins.ts'
import { NOTICE, yamlOf } from './yaml.ts'

const ROOT = new URL('../', import.meta.url)

const ofRoute = (place: string, route: Route): readonly Rendered[] => [
  { path: `${place}/services/${route.name}.yaml`, render: () => yamlOf(knativeService(route)) },
  { path: `${place}/rbac/${route.name}.yaml`, render: () => yamlOf(...access(route)) },
  { path: `functions/${functionFolder(route)}/func.yaml`, render: () => renderFuncYaml(route) },
]

/** Lists the files of a folder, so that its parent need not know the functions. */
const listing = (folder: string, routes: readonly Route[]): Rendered => ({
  path: `${folder}/kustomization.yaml`,
  render: () => `${NOTICE}resources:\n${routes.map(({ name }) => `  - ${name}.yaml\n`).join('')}`,
})

const ofRoutes = (place: string, routes: readonly Route[]): readonly Rendered[] => [
  ...routes.flatMap((route) => ofRoute(place, route)),
  listing(`${place}/services`, routes),
  listing(`${place}/rbac`, routes),
]

/** Programs of the gateway's pods. */
const PROGRAMS = ['configure.ts', 'names.ts'] as const
const TWINS = 'knative/components/twins'
/** Seconds until a resource that was applied by hand is seen. */
const TWIN_INTERVAL = 10

/** Wherever an interval is set, its PingSource lies beside it: in the base, or as a patch in an overlay. */
const loops = (): Rendered[] =>
  globSync('knative/**/interval.env', { cwd: ROOT.pathname }).map((path) => ({
    path: `${dirname(path.replaceAll('\\', '/'))}/ping-source.yaml`,
    render: () => renderPingSource(readFileSync(new URL(path, ROOT), 'utf8')),
  }))

/** What analyses call themselves, through their proxies. */
const analysisRoutes = poRoutes.filter(({ auth }) => auth === 'analysis')

export const MANIFESTS: readonly Rendered[] = [
  ...ofRoutes('knative/base', poRoutes),
  ...ofRoutes(TWINS, dtRoutes),
  { path: 'knative/admission/policies.yaml', render: () => yamlOf(...admission()) },
  { path: `${TWINS}/sources.yaml`, render: () => yamlOf(...twinSources(TWIN_INTERVAL)) },
  { path: `${TWINS}/policies.yaml`, render: () => yamlOf(...twinPolicies()) },
  { path: `${TWINS}/nginx.conf`, render: () => gatewayConf([...poRoutes, ...callerRoutes]) },
  { path: `${TWINS}/runs/nginx.conf`, render: () => gatewayConf(runRoutes) },
  // kustomize reads no file of another folder.
  ...PROGRAMS.map((name) => ({
    path: `${TWINS}/runs/${name}`,
    render: () => readFileSync(new URL(`knative/base/gateway/${name}`, ROOT), 'utf8'),
  })),
  { path: 'knative/components/twins-only/nginx.conf', render: () => gatewayConf(callerRoutes) },
  { path: 'knative/components/twins-only/kustomization.yaml', render: () => yamlOf(withoutPo()) },
  ...loops(),
  { path: 'knative/base/settings.yaml', render: settingsTemplate },
  { path: 'knative/base/policies.yaml', render: () => yamlOf(...policies()) },
  { path: 'knative/base/migrate.yaml', render: () => yamlOf(...migration()) },
  { path: 'knative/base/gateway/nginx.conf', render: () => gatewayConf(poRoutes) },
  { path: 'knative/components/events/events.yaml', render: () => yamlOf(...eventing()) },
  { path: 'knative/components/pod-hints/pod-hints.yaml', render: () => yamlOf(...podHints()) },
  { path: 'knative/overlays/httproute/http-route.yaml', render: () => yamlOf(httpRoute(poRoutes)) },
  { path: 'knative/overlays/httproute/nginx.conf', render: () => gatewayConf(analysisRoutes) },
  { path: 'knative/secrets.env.template', render: secretsTemplate },
]

const FOLDERS = 'knative/{base,components/twins}/{services,rbac}/*'
const FUNC_YAML = 'functions/**/func.yaml'

/** Files where only rendered ones belong, and which no table accounts for any more. */
export function strays(root: string = ROOT.pathname): string[] {
  const known = new Set(MANIFESTS.map(({ path }) => path))
  const found = [FOLDERS, FUNC_YAML].flatMap((pattern) => globSync(pattern, { cwd: root }))
  return found.map((path) => path.replaceAll('\\', '/')).filter((path) => !known.has(path))
}

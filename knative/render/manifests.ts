/** The rendered files in `knative/` and `functions/`, and the folders that may have no others. */
import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { dtRoutes, functionFolder, poRoutes, type Route } from '../../shared/routes/index.ts'
import { admission } from '../manifests/admission.ts'
import { callerRoutes, dtPolicies, dtSources, runRoutes, withoutPo } from '../manifests/dt.ts'
import { eventing, podHints } from '../manifests/events.ts'
import { renderFuncYaml } from '../manifests/func-yaml.ts'
import { knativeService } from '../manifests/function-service.ts'
import { gatewayConf } from '../manifests/gateway-conf.ts'
import { httpRoute } from '../manifests/http-route.ts'
import { migration } from '../manifests/migration.ts'
import { policies } from '../manifests/policies.ts'
import { access } from '../manifests/rbac.ts'
import { renderPingSource } from '../manifests/status-loop.ts'
import { NOTICE, yamlOf } from '../manifests/yaml.ts'
import { secretsTemplate, settingsTemplate } from './settings-templates.ts'

export interface Rendered {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly render: () => string
  readonly isProgram?: boolean
}

const ROOT = new URL('../../', import.meta.url)

const ofRoute = (folder: string, route: Route): readonly Rendered[] => [
  { path: `${folder}/services/${route.name}.yaml`, render: () => yamlOf(knativeService(route)) },
  { path: `${folder}/rbac/${route.name}.yaml`, render: () => yamlOf(...access(route)) },
  { path: `functions/${functionFolder(route)}/func.yaml`, render: () => renderFuncYaml(route) },
]

/** A kustomization of the folder's files, so that its parent does not list the functions. */
const listing = (folder: string, routes: readonly Route[]): Rendered => ({
  path: `${folder}/kustomization.yaml`,
  render: () => `${NOTICE}resources:\n${routes.map(({ name }) => `  - ${name}.yaml\n`).join('')}`,
})

const ofRoutes = (folder: string, routes: readonly Route[]): readonly Rendered[] => [
  ...routes.flatMap((route) => ofRoute(folder, route)),
  listing(`${folder}/services`, routes),
  listing(`${folder}/rbac`, routes),
]

const PROGRAMS = ['configure.ts', 'names.ts'] as const
const DT = 'knative/config/components/dt'
const DT_INTERVAL = 10

/** Each interval.env, of the base or an overlay, has its PingSource beside it. */
const loops = (): Rendered[] =>
  globSync('knative/**/interval.env', { cwd: ROOT.pathname }).map((path) => ({
    path: `${dirname(path.replaceAll('\\', '/'))}/ping-source.yaml`,
    render: () => renderPingSource(readFileSync(new URL(path, ROOT), 'utf8')),
  }))

/** Routes that analyses call through their proxies. */
const analysisRoutes = poRoutes.filter(({ auth }) => auth === 'analysis')

export const MANIFESTS: readonly Rendered[] = [
  ...ofRoutes('knative/config/base', poRoutes),
  ...ofRoutes(DT, dtRoutes),
  { path: 'knative/config/admission/policies.yaml', render: () => yamlOf(...admission()) },
  { path: `${DT}/sources.yaml`, render: () => yamlOf(...dtSources(DT_INTERVAL)) },
  { path: `${DT}/policies.yaml`, render: () => yamlOf(...dtPolicies()) },
  { path: `${DT}/nginx.conf`, render: () => gatewayConf([...poRoutes, ...callerRoutes]) },
  { path: `${DT}/runs/nginx.conf`, render: () => gatewayConf(runRoutes) },
  // kustomize cannot read files of another folder, so they are copied.
  ...PROGRAMS.map((name) => ({
    path: `${DT}/runs/${name}`,
    render: () => readFileSync(new URL(`knative/config/base/gateway/${name}`, ROOT), 'utf8'),
  })),
  { path: 'knative/config/components/dt-only/nginx.conf', render: () => gatewayConf(callerRoutes) },
  { path: 'knative/config/components/dt-only/kustomization.yaml', render: () => yamlOf(withoutPo()) },
  ...loops(),
  { path: 'knative/config/base/settings.yaml', render: settingsTemplate },
  { path: 'knative/config/base/policies.yaml', render: () => yamlOf(...policies()) },
  { path: 'knative/config/base/migrate.yaml', render: () => yamlOf(...migration()) },
  { path: 'knative/config/base/gateway/nginx.conf', render: () => gatewayConf(poRoutes) },
  { path: 'knative/config/components/events/events.yaml', render: () => yamlOf(...eventing()) },
  { path: 'knative/config/components/pod-hints/pod-hints.yaml', render: () => yamlOf(...podHints()) },
  { path: 'knative/config/overlays/httproute/http-route.yaml', render: () => yamlOf(httpRoute(poRoutes)) },
  { path: 'knative/config/overlays/httproute/nginx.conf', render: () => gatewayConf(analysisRoutes) },
  { path: 'knative/config/secrets.env.template', render: secretsTemplate },
]

const FOLDERS = 'knative/config/{base,components/dt}/{services,rbac}/*'
const FUNC_YAML = 'functions/**/func.yaml'

/** Files in folders for rendered files that no table renders. */
export function strays(root: string = ROOT.pathname): string[] {
  const known = new Set(MANIFESTS.map(({ path }) => path))
  const found = [FOLDERS, FUNC_YAML].flatMap((pattern) => globSync(pattern, { cwd: root }))
  return found.map((path) => path.replaceAll('\\', '/')).filter((path) => !known.has(path))
}

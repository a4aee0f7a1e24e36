/**
 * The route table as an HTTPRoute of the Gateway API: a rule per function, which rewrites the host name to the function's
 * own and forwards the request to Knative's gateway inside the cluster. Paths are matched by prefix; the function refuses
 * other paths below a prefix.
 */
import type { Route } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'

const NAME = 'po-gateway'

/** Replaced by the overlay, which knows the namespace and the gateway. */
const PLACEHOLDERS = { namespace: 'NAMESPACE', backend: { name: 'BACKEND', namespace: 'BACKEND-NAMESPACE', port: 80 } }

/** Limits of the Gateway API: rules in a route, and matches in a rule. */
const RULES = 16
const MATCHES = 8

const match = (type: 'Exact' | 'PathPrefix', value: string) => ({ path: { type, value } })

/** Other functions have paths below one that ends with a slash. */
const pathMatches = (template: string) =>
  template.endsWith('/')
    ? [match('Exact', template), match('Exact', template.slice(0, -1))]
    : [match('PathPrefix', template.replace(/\/\{.*$/, ''))]

/** Each prefix once. */
const distinct = (matches: ReturnType<typeof pathMatches>) => [
  ...new Map(matches.map((one) => [one.path.value, one])).values(),
]

const rule = (route: Route) => ({
  matches: distinct(route.endpoints.flatMap(({ path }) => pathMatches(path))),
  filters: [
    { type: 'URLRewrite', urlRewrite: { hostname: `${route.name}.${PLACEHOLDERS.namespace}.svc.cluster.local` } },
  ],
  backendRefs: [PLACEHOLDERS.backend],
  timeouts: { request: `${route.scale.timeoutSeconds}s` },
})

/** @throws TypeError when the table is too large for one route, or two functions share a path */
export function httpRoute(routes: readonly Route[]) {
  const rules = routes.filter(({ trigger }) => trigger === 'http').map(rule)
  const paths = rules.flatMap(({ matches }) => matches.map(({ path }) => path.value))
  if (rules.length > RULES || rules.some(({ matches }) => matches.length > MATCHES))
    throw new TypeError('the route table is too large for one HTTPRoute')
  if (new Set(paths).size < paths.length) throw new TypeError('two functions share a path')
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: NAME, labels: labelsOf(NAME, 'gateway') },
    spec: { rules },
  }
}

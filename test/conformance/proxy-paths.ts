/** Paths through the proxy of a run, and their upstreams. */
import type { AnalysisId } from '../../shared/po/model.ts'
import type { UpstreamName } from '../../shared/po/objects/locations.ts'

export const ID = '3f0c5a52-6a0e-4d3e-9a35-0c2d4b7c1f10' as AnalysisId
const OTHER = '11111111-1111-4111-8111-111111111111'
export const PROJECT = '9A7C0C0E-2f6b-4b0d-8c55-4f3e2d1c0b9a'
const broker = `/message-broker/analyses/${ID}`

/** Request, upstream, and the path and query it sees. */
export const REACHED: readonly (readonly [string, UpstreamName, string])[] = [
  ['/kong', 'kong', '/'],
  ['/kong/', 'kong', '/'],
  ['/kong/source/s3?prefix=a%2Fb&x=%20?', 'kong', '/source/s3?prefix=a%2Fb&x=%20?'],
  ['/kong//source//fhir', 'kong', '/source/fhir'],
  ['/kong/a/./b/../c', 'kong', '/a/c'],
  ['/kong/a%20b%3Fc%23d%25e%C3%A4', 'kong', '/a%20b%3Fc%23d%25e%C3%A4'],
  ['/kong/a%0D%0AX-Evil:%201', 'kong', '/a%0D%0AX-Evil:%201'],
  ['/storage/final', 'storage', '/final'],
  ['/storage/final/', 'storage', '/final/'],
  ['/storage/final/localdp', 'storage', '/final/localdp'],
  ['/storage/local/tags/x', 'storage', '/local/tags/x'],
  ['/storage/intermediate/7?node_id=1', 'storage', '/intermediate/7?node_id=1'],
  ['/storage/final/%252e%252e/admin', 'storage', '/final/%252e%252e/admin'],
  [`/hub-adapter/kong/datastore/${PROJECT}`, 'adapter', `/kong/datastore/${PROJECT}`],
  [`/hub-adapter/kong/datastore/${PROJECT}/x`, 'adapter', `/kong/datastore/${PROJECT}/x`],
  [`${broker}/participants`, 'broker', `/analyses/${ID}/participants`],
  [`${broker}/participants/self`, 'broker', `/analyses/${ID}/participants/self`],
  [`${broker}/messages`, 'broker', `/analyses/${ID}/messages`],
  [`${broker}/messages/subscriptions`, 'broker', `/analyses/${ID}/messages/subscriptions`],
  [`${broker}/messages/subscriptions/7`, 'broker', `/analyses/${ID}/messages/subscriptions/7`],
  ['/message-broker/healthz', 'broker', '/healthz'],
  ['/po/stream_logs', 'orchestrator', '/po/stream_logs'],
  ['/po/stream_logs/', 'orchestrator', '/po/stream_logs/'],
  ['/kong/../po/stream_logs', 'orchestrator', '/po/stream_logs'],
  ['/analysis', 'analysis', '/'],
  ['/analysis/healthz', 'analysis', '/healthz'],
  ['/analysis/webhook', 'analysis', '/webhook'],
  ['/analysis/nextflow', 'analysis', '/nextflow'],
]

/** Covered by no location once they are decoded and resolved. */
export const FORBIDDEN = [
  '/',
  '/kongfoo',
  '/KONG/source',
  '/healthz/x',
  '/healthzfoo',
  '/storage',
  '/storage/',
  '/storage/finale',
  '/storage/buckets',
  '/hub-adapter',
  '/hub-adapter/projects',
  `/hub-adapter/kong/datastore/${OTHER}`,
  `/hub-adapter/kong/datastore/${PROJECT}0`,
  '/message-broker/',
  '/message-broker/healthzfoo',
  broker,
  `/message-broker/analyses/${OTHER}/messages`,
  `${broker}/messagesfoo`,
  '/po',
  '/po/',
  '/po/status',
  '/po/stream_logsfoo',
  '/analysisfoo',
  '/kong/../po/status',
  '/kong/%2e%2e/po/status',
  '/kong/..%2fpo/status',
  '/kong/%2E%2E%2Fpo%2Fstatus',
  '/kong/x/../../storage/buckets',
  '/storage/final/../buckets',
  '/storage/final/%2e%2e/buckets',
  '/storage/final/../../hub-adapter/projects',
  `${broker}/messages/../../${OTHER}/messages`,
  `${broker}/participants/%2e%2e%2f%2e%2e%2f${OTHER}/messages`,
  '/po/stream_logs/../status',
  '/po/stream_logs/%2e%2e/status',
  '/po/stream_logs%2f..%2fstatus',
  '//po//status',
  '/./po/./status',
  'http://orchestrator.ns.svc.cluster.test/po/status',
]

/** No paths at all. */
export const MALFORMED = ['/../kong', '/%2e%2e/%2e%2e/etc/passwd', '/kong/%00', '/kong/%zz', '/kong/%']

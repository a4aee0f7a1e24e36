/**
 * The Kubernetes objects of a service. Its `Analytics` resource owns them all, so a foreground deletion of it deletes them, pods
 * first:
 *
 *   Analytics <id>
 *   ├── Secret dt-<id>-tokens
 *   ├── on demand: Job <id>, Job <id>-fan-in
 *   ├── scheduled: CronJob <id> → Jobs <id>-<minute>; Jobs <id>-<minute>-fan-in
 *   └── persistent: Knative Service dt-<id>, or Deployment and Service dt-<id>
 *
 * Owns: the shape of every object. Pure.
 */
export type { ServiceInput } from './input.ts'
export { cronJob, fanInJob, onDemandJob } from './jobs.ts'
export { RUNS_LISTENER, standingPolicies } from './policies.ts'
export { analyticsResource } from './resource.ts'
export { knativeService, portOf, serverDeployment, serverService, serverUrl } from './servers.ts'
export { tokensSecret } from './token.ts'

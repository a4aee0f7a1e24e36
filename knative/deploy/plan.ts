/**
 * In which order an installation is applied. Pure.
 *
 *   foundation   settings, accounts, roles, policies
 *   migration    the Job that brings the database up to date; nothing new runs before it has ended well
 *   events       brokers, and the bindings that tell functions where they are: before functions start
 *   functions    Knative Services and the gateway
 *   sources      what sends events to functions: a source made before its sink may stay without it
 */
import { type DeployedObject, fieldsOf, isFunction, Refused } from './objects.ts'

export const STAGES = ['foundation', 'migration', 'events', 'functions', 'sources'] as const
export type Stage = (typeof STAGES)[number]

const STAGE_OF_KIND: Readonly<Record<string, Stage>> = {
  Job: 'migration',
  Broker: 'events',
  SinkBinding: 'events',
  Deployment: 'functions',
  HTTPRoute: 'functions',
  PingSource: 'sources',
  ApiServerSource: 'sources',
  Trigger: 'sources',
}

export const stageOf = (object: DeployedObject): Stage =>
  isFunction(object) ? 'functions' : (STAGE_OF_KIND[object.kind] ?? 'foundation')

export type Plan = Readonly<Record<Stage, readonly DeployedObject[]>>

/** Namespaces come first, since everything else lies in one. */
export function planOf(objects: readonly DeployedObject[]): Plan {
  const first = (object: DeployedObject) => (object.kind === 'Namespace' ? 0 : 1)
  const sorted = objects.toSorted((a, b) => first(a) - first(b))
  const of = (stage: Stage) => sorted.filter((object) => stageOf(object) === stage)
  return {
    foundation: of('foundation'),
    migration: of('migration'),
    events: of('events'),
    functions: of('functions'),
    sources: of('sources'),
  }
}

/** Where the installation lies. @throws when the overlay does not say, or says it twice */
export function namespaceOf(objects: readonly DeployedObject[]): string {
  const found = [...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))]
  if (found.length === 1) return found[0] ?? ''
  if (found.length === 0)
    throw new Refused('the overlay names no namespace: set `namespace:` in its kustomization.yaml')
  throw new Refused(`the overlay must put everything into one namespace, not into ${found.join(', ')}`)
}

/** Images of all containers, each once. */
export function imagesOf(objects: readonly DeployedObject[]): readonly string[] {
  const fields = objects.flatMap(({ spec }) => [...fieldsOf(spec)])
  return [...new Set(fields.flatMap(([name, value]) => (name === 'image' && typeof value === 'string' ? value : [])))]
}

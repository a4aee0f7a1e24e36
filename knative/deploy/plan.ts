/**
 * The order in which an installation is applied. Pure.
 *
 *   foundation   settings, accounts, roles, policies
 *   migration    the Job that migrates the database; functions of the new version need its schema
 *   events       brokers, and bindings that set the broker's URL in functions, so before functions start
 *   functions    Knative Services and the gateway
 *   sources      event sources: one that is created before its sink may never resolve it
 */
import { DeployError, type DeployedObject, fieldsOf, isFunction } from './objects.ts'

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

/** Namespaces come first, since the other objects are created in them. */
export function planOf(objects: readonly DeployedObject[]): Plan {
  const first = (object: DeployedObject) => (object.kind === 'Namespace' ? 0 : 1)
  const sorted = objects.toSorted((a, b) => first(a) - first(b))
  return { foundation: [], migration: [], events: [], functions: [], sources: [], ...Object.groupBy(sorted, stageOf) }
}

/** The namespace of the installation. @throws DeployError if the objects have none or several */
export function namespaceOf(objects: readonly DeployedObject[]): string {
  const found = [...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))]
  if (found.length === 1) return found[0] ?? ''
  if (found.length === 0)
    throw new DeployError('the overlay names no namespace: set `namespace:` in its kustomization.yaml')
  throw new DeployError(`the overlay must put everything into one namespace, not into ${found.join(', ')}`)
}

export function imagesOf(objects: readonly DeployedObject[]): readonly string[] {
  const fields = objects.flatMap(({ spec }) => [...fieldsOf(spec)])
  return [...new Set(fields.flatMap(([name, value]) => (name === 'image' && typeof value === 'string' ? value : [])))]
}

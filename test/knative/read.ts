/** Reads the manifests of the repository. */
import { globSync, readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { Manifest } from './fields.ts'
import type { PodSpec } from './pod-security.ts'

export const ROOT = new URL('../../', import.meta.url)

export const readText = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

/** @throws for invalid YAML or a duplicate key */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if ('errors' in document && document.errors[0]) throw document.errors[0]
    return document.toJS() as Manifest
  })
}

/** Read by kustomize itself. */
const isKustomization = (path: string): boolean => /(kustomization|image-fields)\.yaml$/.test(path)

/** Every file of Kubernetes objects, with its objects. */
export const manifestFiles = (pattern = 'knative/**/*.yaml'): [string, Manifest[]][] =>
  globSync(pattern, { cwd: ROOT.pathname })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !isKustomization(path))
    .toSorted()
    .map((path) => [path, parseManifests(readText(path))])

/** The pod template of an object. */
export function podOf({ kind, apiVersion, spec }: Manifest): PodSpec | undefined {
  const makes = ['Deployment', 'Job'].includes(kind) || apiVersion.startsWith('serving.knative.dev/')
  return makes ? (spec as { template: { spec: PodSpec } }).template.spec : undefined
}

/** The one object of a file. */
export function only(path: string): Manifest {
  const [first, ...others] = parseManifests(readText(path))
  if (!first || others.length > 0) throw new Error(`${path} holds ${others.length + 1} objects`)
  return first
}

/** Writes the overlay of a test installation like an operator's: beside the base, which it does not change. */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { dtSources } from '../../../knative/manifests/dt.ts'
import { IMAGE } from '../../../knative/manifests/function-service.ts'
import { KNATIVE_NAMESPACES } from '../../../knative/manifests/policies.ts'
import { renderPingSource } from '../../../knative/manifests/status-loop.ts'

const OVERLAYS = new URL('../../../.run/overlays/', import.meta.url)
const NGINX = 'nginxinc/nginx-unprivileged'

export interface OverlayInput {
  readonly namespace: string
  readonly intervalSeconds: number
  readonly settings: Readonly<Record<string, string>>
  readonly functionImage: string
  readonly nginxImage: string
  /** Namespaces with access to functions besides those of the base. */
  readonly ingressNamespaces: readonly string[]
  readonly components?: readonly string[]
  /** Folder of the sources whose manifests are deployed; default: these. Image and roles must be of one version. */
  readonly sources?: string | undefined
  /** Annotations of the revision template of one function. */
  readonly annotations?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const imageOf = (name: string, image: string) => {
  const at = image.lastIndexOf(':')
  return { name, newName: image.slice(0, at), newTag: image.slice(at + 1) }
}

const literals = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => `${name}=${value}`)

const json = (operations: readonly object[]) => JSON.stringify(operations)

const WAYS = [
  ['po-functions', '/spec/ingress/0/from'],
  ['po-gateway', '/spec/egress/0/to'],
] as const
const WAYS_OF_RUNS = [['dt-runs', '/spec/egress/0/to']] as const

/** The patch of the comment in `overlays/flame`. */
const ways = (namespaces: readonly string[], policies: readonly (readonly [name: string, path: string])[] = WAYS) =>
  namespaces
    .filter((name) => !KNATIVE_NAMESPACES.includes(name))
    .flatMap((value) =>
      policies.map(([name, path]) => ({
        target: { kind: 'NetworkPolicy', name },
        patch: json([{ op: 'add', path: `${path}/0/namespaceSelector/matchExpressions/0/values/-`, value }]),
      })),
    )

const annotated = (annotations: OverlayInput['annotations'] = {}) =>
  Object.entries(annotations).map(([name, values]) => ({
    target: { group: 'serving.knative.dev', kind: 'Service', name },
    patch: json(
      Object.entries(values).map(([key, value]) => ({
        op: 'add',
        path: `/spec/template/metadata/annotations/${key.replaceAll('/', '~1')}`,
        value,
      })),
    ),
  }))

const BASE = '../../../knative/config/base'

/** Before 0.2 the base of the sources was one folder up. */
const baseOf = ({ sources }: OverlayInput): string => {
  if (!sources) return BASE
  const base = ['knative/config/base', 'knative/base'].map((path) => join(sources, path)).find(existsSync)
  if (!base) throw new Error(`${sources} has no base of manifests`)
  return relative(fileURLToPath(new URL('any/', OVERLAYS)), base)
}

const kustomization = (input: OverlayInput) => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  namespace: input.namespace,
  resources: [baseOf(input)],
  components: (input.components ?? []).map((name) => `../../../knative/config/components/${name}`),
  configMapGenerator: [
    {
      name: 'po-settings',
      behavior: 'merge',
      literals: literals({ ...input.settings, STATUS_LOOP_INTERVAL: String(input.intervalSeconds) }),
      options: { disableNameSuffixHash: true },
    },
  ],
  images: [imageOf(IMAGE, input.functionImage), imageOf(NGINX, input.nginxImage)],
  replicas: [{ name: 'po-gateway', count: 1 }],
  patches: [{ path: 'ping-source.yaml' }, ...ways(input.ingressNamespaces), ...annotated(input.annotations)],
})

/** The digital-twin orchestrator alone, as in `overlays/dt`. */
const dt = ({ namespace, intervalSeconds, settings, functionImage, nginxImage, ingressNamespaces }: OverlayInput) => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  namespace,
  resources: [BASE],
  components: ['dt', 'dt-only'].map((name) => `../../../knative/config/components/${name}`),
  configMapGenerator: [
    {
      name: 'po-settings',
      behavior: 'merge',
      literals: literals({ ...settings, STATUS_LOOP_INTERVAL: String(intervalSeconds) }),
      options: { disableNameSuffixHash: true },
    },
  ],
  images: [imageOf(IMAGE, functionImage), imageOf(NGINX, nginxImage)],
  replicas: [{ name: 'po-gateway', count: 1 }],
  patches: [{ path: 'loop.yaml' }, ...ways(ingressNamespaces), ...ways(ingressNamespaces, WAYS_OF_RUNS)],
})

/** @returns the folder */
export async function writeDtOverlay(input: OverlayInput): Promise<string> {
  const folder = new URL(`${input.namespace}/`, OVERLAYS)
  await mkdir(folder, { recursive: true })
  const loop = dtSources(input.intervalSeconds).find(({ kind }) => kind === 'PingSource')
  await writeFile(new URL('loop.yaml', folder), stringify(loop))
  await writeFile(new URL('kustomization.yaml', folder), stringify(dt(input)))
  return fileURLToPath(folder)
}

/** @returns the folder */
export async function writeOverlay(input: OverlayInput, name = input.namespace): Promise<string> {
  const folder = new URL(`${name}/`, OVERLAYS)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL('kustomization.yaml', folder), stringify(kustomization(input)))
  await writeFile(
    new URL('ping-source.yaml', folder),
    renderPingSource(`STATUS_LOOP_INTERVAL=${input.intervalSeconds}`),
  )
  return fileURLToPath(folder)
}

/** An overlay of the project in another namespace. @returns the folder */
export async function writeSurvey(overlay: string, namespace: string): Promise<string> {
  const folder = new URL(`survey-${overlay}/`, OVERLAYS)
  await mkdir(folder, { recursive: true })
  // The pod template of a Job is immutable, so the Job is left out.
  const rename = { op: 'replace', path: '/metadata/name', value: 'survey' }
  const content = {
    namespace,
    resources: [`../../../knative/config/overlays/${overlay}`],
    patches: [{ target: { kind: 'Job' }, patch: json([rename]) }],
  }
  await writeFile(new URL('kustomization.yaml', folder), stringify(content))
  return fileURLToPath(folder)
}

export const removeOverlay = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

/** The cluster as kubectl reaches it: whatever context, login and proxy the operator has set up for it hold here, too. */
import { spawn } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { type DeployedObject, type ObjectRef, Refused, resourceOf } from './objects.ts'

/** Under this name the API server remembers which fields are ours. */
const FIELD_MANAGER = 'knative-pod-orchestration'

/** @throws Refused with what kubectl said */
async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const child = spawn('kubectl', args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let [out, said] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.once('error', (error: NodeJS.ErrnoException) =>
    reject(error.code === 'ENOENT' ? new Refused('kubectl is not on the PATH') : error),
  )
  child.once('close', (code) => (code === 0 ? resolve(out) : reject(new Refused(said.trim() || `ended with ${code}`))))
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return promise
}

const within = (namespace: string | undefined): readonly string[] => (namespace ? ['--namespace', namespace] : [])

const list = (objects: readonly DeployedObject[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })

const itemsOf = (text: string): readonly DeployedObject[] => {
  if (text.trim() === '') return []
  const answer = JSON.parse(text) as DeployedObject & { readonly items?: readonly DeployedObject[] }
  return answer.items ?? [answer]
}

/** What a kustomization makes. */
export async function render(overlay: string): Promise<readonly DeployedObject[]> {
  const documents = parseAllDocuments(await kubectl(['kustomize', overlay]))
  return documents.map((document) => document.toJS() as DeployedObject | null).filter((object) => object !== null)
}

/** Group versions that the cluster serves. */
export async function servedVersions(): Promise<ReadonlySet<string>> {
  return new Set((await kubectl(['api-versions'])).split(/\s+/).filter(Boolean))
}

/** Server-side apply: fields of others stay, those of earlier applies that are not named any more go. */
export async function apply(objects: readonly DeployedObject[], mode: 'now' | 'dry run' = 'now'): Promise<void> {
  if (objects.length === 0) return
  const dry = mode === 'dry run' ? ['--dry-run=server'] : []
  const how = ['--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, ...dry]
  await kubectl(['apply', ...how, '--filename', '-'], list(objects))
}

/** Those that are there. */
export async function getAll(refs: readonly ObjectRef[]): Promise<readonly DeployedObject[]> {
  if (refs.length === 0) return []
  const items = refs.map(({ apiVersion, kind, name, namespace }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
  }))
  const args = ['get', '--filename', '-', '--ignore-not-found', '--output', 'json']
  return itemsOf(await kubectl(args, list(items as DeployedObject[])))
}

const CLIENT_SIDE = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * What `kn service apply` and `kubectl apply` remember in an object. kubectl takes it over with all that they had set, which is
 * right once; when the next apply leaves it out, the other annotations go with it, and Serving refuses that.
 */
export async function forgetClientSide(refs: readonly ObjectRef[]): Promise<void> {
  const marked = (await getAll(refs)).filter(({ metadata }) => metadata.annotations?.[CLIENT_SIDE] !== undefined)
  for (const object of marked) {
    const { namespace, name } = object.metadata
    await kubectl(['annotate', resourceOf(object), name, ...within(namespace), `${CLIENT_SIDE}-`])
  }
}

export async function get(kind: string, name: string, namespace?: string): Promise<DeployedObject | undefined> {
  const args = ['get', kind, name, ...within(namespace), '--ignore-not-found', '--output', 'json']
  return itemsOf(await kubectl(args))[0]
}

export const select = async (kinds: readonly string[], namespace: string, selector: string) =>
  itemsOf(await kubectl(['get', kinds.join(','), ...within(namespace), '--selector', selector, '--output', 'json']))

/** Deletes what is there of these, and returns when it is gone. */
export async function remove(refs: readonly ObjectRef[]): Promise<void> {
  for (const ref of refs) {
    const what = [resourceOf(ref), ref.name, ...within(ref.namespace)]
    await kubectl(['delete', ...what, '--ignore-not-found', '--cascade=foreground', '--wait=true'])
  }
}

/** The Secret that a file of `NAME=value` lines makes. */
export async function renderSecret(name: string, namespace: string, file: string): Promise<DeployedObject | undefined> {
  const args = ['create', 'secret', 'generic', name, ...within(namespace), `--from-env-file=${file}`]
  return itemsOf(await kubectl([...args, '--dry-run=client', '--output', 'json']))[0]
}

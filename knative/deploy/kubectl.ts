/** Runs kubectl, which uses the operator's context, credentials and proxy. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { DeployError, type DeployedObject, type ObjectRef, qualifiedKind } from './objects.ts'

const run = promisify(execFile)

const FIELD_MANAGER = 'knative-pod-orchestration'

/** @throws DeployError with kubectl's standard error */
async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const running = run('kubectl', args, { maxBuffer: Number.POSITIVE_INFINITY })
  running.child.stdin?.on('error', () => {}).end(input)
  try {
    return (await running).stdout
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    if (code === 'ENOENT') throw new DeployError('kubectl is not on the PATH')
    throw typeof code === 'string' ? error : new DeployError(stderr.trim() || `ended with ${code}`)
  }
}

const inNamespace = (namespace: string | undefined): readonly string[] => (namespace ? ['--namespace', namespace] : [])

const listOf = (objects: readonly DeployedObject[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })

const itemsOf = (text: string): readonly DeployedObject[] => {
  if (text.trim() === '') return []
  const answer = JSON.parse(text) as DeployedObject & { readonly items?: readonly DeployedObject[] }
  return answer.items ?? [answer]
}

export async function renderOverlay(overlay: string): Promise<readonly DeployedObject[]> {
  const documents = parseAllDocuments(await kubectl(['kustomize', overlay]))
  return documents.map((document) => document.toJS() as DeployedObject | null).filter((object) => object !== null)
}

export async function servedVersions(): Promise<ReadonlySet<string>> {
  return new Set((await kubectl(['api-versions'])).split(/\s+/).filter(Boolean))
}

/** Server-side apply: keeps the fields of other managers and removes ours that the objects no longer set. */
export async function apply(objects: readonly DeployedObject[], mode: 'now' | 'dry run' = 'now'): Promise<void> {
  if (objects.length === 0) return
  const dry = mode === 'dry run' ? ['--dry-run=server'] : []
  const how = ['--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, ...dry]
  await kubectl(['apply', ...how, '--filename', '-'], listOf(objects))
}

export async function getAll(refs: readonly ObjectRef[]): Promise<readonly DeployedObject[]> {
  if (refs.length === 0) return []
  const items = refs.map(({ apiVersion, kind, name, namespace }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
  }))
  const args = ['get', '--filename', '-', '--ignore-not-found', '--output', 'json']
  return itemsOf(await kubectl(args, listOf(items as DeployedObject[])))
}

const CLIENT_SIDE = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * Removes the annotation of an earlier client-side apply (`kn service apply`, `kubectl apply`). Server-side apply takes over
 * the fields that it lists, once. If a later apply removed the annotation, those fields would go with it, and Serving refuses
 * to remove its own annotations.
 */
export async function dropClientSideState(refs: readonly ObjectRef[]): Promise<void> {
  const marked = (await getAll(refs)).filter(({ metadata }) => metadata.annotations?.[CLIENT_SIDE] !== undefined)
  for (const object of marked) {
    const { namespace, name } = object.metadata
    await kubectl(['annotate', qualifiedKind(object), name, ...inNamespace(namespace), `${CLIENT_SIDE}-`])
  }
}

export async function get(kind: string, name: string, namespace?: string): Promise<DeployedObject | undefined> {
  const args = ['get', kind, name, ...inNamespace(namespace), '--ignore-not-found', '--output', 'json']
  return itemsOf(await kubectl(args))[0]
}

export const selectAll = async (kinds: readonly string[], namespace: string, selector: string) =>
  itemsOf(
    await kubectl(['get', kinds.join(','), ...inNamespace(namespace), '--selector', selector, '--output', 'json']),
  )

/** Deletes the objects that exist, and waits until they are gone. */
export async function deleteAll(refs: readonly ObjectRef[]): Promise<void> {
  for (const ref of refs) {
    const what = [qualifiedKind(ref), ref.name, ...inNamespace(ref.namespace)]
    await kubectl(['delete', ...what, '--ignore-not-found', '--cascade=foreground', '--wait=true'])
  }
}

export async function renderSecret(name: string, namespace: string, file: string): Promise<DeployedObject | undefined> {
  const args = ['create', 'secret', 'generic', name, ...inNamespace(namespace), `--from-env-file=${file}`]
  return itemsOf(await kubectl([...args, '--dry-run=client', '--output', 'json']))[0]
}

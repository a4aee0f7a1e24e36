/**
 * How the API merges lists and maps of the kinds stored here. Everything else: maps merge by field, lists are atomic.
 * NetworkPolicy rules and label selectors are atomic as a whole.
 */

export type Merging =
  | { readonly type: 'keys'; readonly keys: readonly string[] }
  | { readonly type: 'set' | 'atomic' | 'granular' }

const keys = (...names: string[]): Merging => ({ type: 'keys', keys: names })

const LISTS: Readonly<Record<string, Merging>> = {
  containers: keys('name'),
  initContainers: keys('name'),
  ephemeralContainers: keys('name'),
  env: keys('name'),
  volumes: keys('name'),
  volumeMounts: keys('mountPath'),
  imagePullSecrets: keys('name'),
  secrets: keys('name'),
  hostAliases: keys('ip'),
  ownerReferences: keys('uid'),
  conditions: keys('type'),
  finalizers: { type: 'set' },
}

const ATOMIC_MAPS = new Set([
  'selector',
  'podSelector',
  'nodeSelector',
  'labelSelector',
  'secretKeyRef',
  'configMapKeyRef',
  'fieldRef',
  'resourceFieldRef',
])
const ATOMIC: Merging = { type: 'atomic' }
const GRANULAR: Merging = { type: 'granular' }

/** `path` are the field names that lead to the value; items of lists are not part of it. */
export function mergingOf(path: readonly string[], value: unknown): Merging {
  const field = path.at(-1) ?? ''
  if (!Array.isArray(value)) return ATOMIC_MAPS.has(field) ? ATOMIC : GRANULAR
  if (field === 'ports')
    return path.includes('containers') ? keys('containerPort', 'protocol') : keys('port', 'protocol')
  return LISTS[field] ?? ATOMIC
}

/** The step of an item in a field tree, such as `k:{"name":"a"}`. */
export function itemStep(merging: Merging, item: unknown): string {
  if (merging.type !== 'keys') return `v:${JSON.stringify(item)}`
  const fields = item as Readonly<Record<string, unknown>>
  const key = merging.keys.map((name) => [name, fields[name] ?? (name === 'protocol' ? 'TCP' : null)])
  return `k:${JSON.stringify(Object.fromEntries(key.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))))}`
}

/** Sets of fields of a configuration, and their operations. A node without children is a member. */
import { itemStep, type Merging, mergingOf } from './merge-keys.ts'
import type { FieldTree } from './objects.ts'

/** Fields without an owner: the identity, and those that only the server writes. */
const UNOWNED = new Set([
  'apiVersion',
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.generateName',
  'metadata.uid',
])
const SERVER_FIELDS = [
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
]
for (const field of SERVER_FIELDS) UNOWNED.add(`metadata.${field}`)

export const isUnowned = (path: readonly string[]): boolean => path.length <= 2 && UNOWNED.has(path.join('.'))

/** The fields that a configuration names. */
export function treeOf(value: unknown, path: readonly string[] = []): FieldTree {
  if (typeof value !== 'object' || value === null) return {}
  const merging = mergingOf(path, value)
  if (merging.type === 'atomic') return {}
  const tree = Array.isArray(value) ? treeOfList(value, merging, path) : treeOfMap(value, path)
  return path.length === 0 ? withoutEmptyMetadata(tree) : tree
}

const treeOfList = (list: readonly unknown[], merging: Merging, path: readonly string[]): FieldTree =>
  Object.fromEntries(
    list.map((item) => [itemStep(merging, item), merging.type === 'keys' ? { '.': {}, ...treeOf(item, path) } : {}]),
  )

function treeOfMap(map: object, path: readonly string[]): FieldTree {
  const tree: FieldTree = {}
  for (const [field, child] of Object.entries(map)) {
    const childPath = [...path, field]
    if (child !== undefined && !isUnowned(childPath)) tree[`f:${field}`] = treeOf(child, childPath)
  }
  return tree
}

/** `metadata: {name}` alone owns nothing. */
function withoutEmptyMetadata({ 'f:metadata': metadata, ...others }: FieldTree): FieldTree {
  return metadata && !isEmpty(metadata) ? { 'f:metadata': metadata, ...others } : others
}

export const isEmpty = (tree: FieldTree): boolean => {
  for (const _ in tree) return false
  return true
}

/** A node that is in the set itself, not only something below it. */
export const isMember = (tree: FieldTree): boolean => isEmpty(tree) || '.' in tree

/** What is in `tree` and not in `other`; undefined when nothing is left. */
export function without(tree: FieldTree, other: FieldTree | undefined): FieldTree | undefined {
  if (other === undefined) return tree
  if (isEmpty(tree)) return isMember(other) ? undefined : tree
  const left: FieldTree = {}
  for (const step in tree) {
    const rest = step === '.' ? selfWithout(other) : without(tree[step] ?? {}, other[step])
    if (rest !== undefined) left[step] = rest
  }
  return isEmpty(left) ? undefined : left
}

const selfWithout = (other: FieldTree): FieldTree | undefined => (isMember(other) ? undefined : {})

export function union(a: FieldTree | undefined, b: FieldTree | undefined): FieldTree {
  if (!a || !b) return a ?? b ?? {}
  if (isEmpty(a) !== isEmpty(b)) return isEmpty(a) ? { '.': {}, ...b } : { '.': {}, ...a }
  const merged = { ...a }
  for (const step in b) merged[step] = step in a ? union(a[step], b[step]) : (b[step] ?? {})
  return merged
}

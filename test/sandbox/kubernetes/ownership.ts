/** Who owns which field (`metadata.managedFields`), and server-side apply on top of it. */
import { conflict } from './failure.ts'
import { isEmpty, isMember, isUnowned, treeOf, union, without } from './field-tree.ts'
import { equal, isFields, merge, prune } from './merge.ts'
import { itemStep, mergingOf } from './merge-keys.ts'
import type { FieldTree, Kind, KubeObject, ManagedFields } from './objects.ts'

export interface Manager {
  readonly name: string
  readonly time: string
  readonly subresource?: string | undefined
}

/** The object after an apply by a manager; the live object itself when nothing changes. */
export function applyTo(
  kind: Kind,
  live: KubeObject,
  applied: KubeObject,
  manager: Manager,
  force: boolean,
): KubeObject {
  const entries = live.metadata.managedFields ?? []
  const own = entries.find((entry) => isBy(entry, 'Apply', manager))
  const tree = treeOf(applied)
  const others = entries.filter((entry) => entry !== own)
  const disputed = conflicting(live, applied, tree, others)
  if (!force && disputed.length > 0) throw refuse(kind, live.metadata.name, disputed)

  const merged = merge(live, { ...applied, metadata: { ...applied.metadata, ...identityOf(live) } }) as KubeObject
  const remaining = others.flatMap((entry) => stillOwned(entry, disputed))
  const dropped =
    own &&
    remaining.reduce<FieldTree | undefined>(
      (left, entry) => left && without(left, entry.fieldsV1),
      without(own.fieldsV1, tree),
    )
  const next = (dropped ? prune(merged, dropped) : merged) as KubeObject
  if (next === live && own && equal(own.fieldsV1, tree)) return live
  const entry = entryOf(manager, 'Apply', applied.apiVersion, tree)
  return { ...next, metadata: { ...next.metadata, managedFields: [...remaining, entry] } }
}

const isBy = (entry: ManagedFields, operation: ManagedFields['operation'], { name, subresource }: Manager): boolean =>
  entry.operation === operation && entry.manager === name && entry.subresource === subresource

/** Fields of the server, which an apply must not change. */
const identityOf = ({ metadata }: KubeObject) => ({
  name: metadata.name,
  uid: metadata.uid,
  resourceVersion: metadata.resourceVersion,
  creationTimestamp: metadata.creationTimestamp,
  ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
  ...(metadata.managedFields ? { managedFields: metadata.managedFields } : {}),
})

export const entryOf = (
  manager: Manager,
  operation: ManagedFields['operation'],
  apiVersion: string,
  fieldsV1: FieldTree,
): ManagedFields => ({
  manager: manager.name,
  operation,
  apiVersion,
  time: manager.time,
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(manager.subresource ? { subresource: manager.subresource } : {}),
})

interface Dispute {
  readonly manager: string
  readonly tree: FieldTree
}

/** Fields that another manager owns and this configuration wants to have another value. */
function conflicting(live: unknown, applied: unknown, tree: FieldTree, others: readonly ManagedFields[]): Dispute[] {
  return others.flatMap((entry) => {
    const shared = differing(live, applied, tree, entry.fieldsV1, [])
    return shared ? [{ manager: entry.manager, tree: shared }] : []
  })
}

function differing(
  live: unknown,
  applied: unknown,
  mine: FieldTree,
  theirs: FieldTree,
  path: readonly string[],
): FieldTree | undefined {
  if (isEmpty(mine)) return isMember(theirs) && !equal(live, applied) ? {} : undefined
  const found: FieldTree = {}
  for (const step of Object.keys(mine).filter((one) => one !== '.' && one in theirs)) {
    const below = theirs[step] ?? {}
    const next = pathAt(path, step)
    const child = differing(childAt(live, step, path), childAt(applied, step, path), mine[step] ?? {}, below, next)
    if (child) found[step] = child
  }
  return isEmpty(found) ? undefined : found
}

function childAt(value: unknown, step: string, path: readonly string[]): unknown {
  if (step.startsWith('f:')) return isFields(value) ? value[step.slice(2)] : undefined
  if (!Array.isArray(value)) return undefined
  const merging = mergingOf(path, value)
  return value.find((item) => itemStep(merging, item) === step)
}

function refuse(kind: Kind, name: string, disputed: readonly Dispute[]) {
  const causes = disputed.flatMap(({ manager, tree }) =>
    fieldNames(tree).map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with "${manager}"`, field })),
  )
  const plural = causes.length === 1 ? 'conflict' : 'conflicts'
  const first = causes[0]
  return conflict(
    kind,
    name,
    `Apply failed with ${causes.length} ${plural}: ${first?.message}: ${first?.field}`,
    causes,
  )
}

function fieldNames(tree: FieldTree): string[] {
  if (isEmpty(tree)) return ['']
  return Object.entries(tree).flatMap(([step, below]) => {
    const name = step.startsWith('f:') ? `.${step.slice(2)}` : `[${step.slice(2)}]`
    return fieldNames(below).map((rest) => name + rest)
  })
}

function stillOwned(entry: ManagedFields, disputed: readonly Dispute[]): ManagedFields[] {
  const left = disputed
    .filter(({ manager }) => manager === entry.manager)
    .reduce<FieldTree | undefined>((tree, { tree: taken }) => tree && without(tree, taken), entry.fieldsV1)
  return left ? [left === entry.fieldsV1 ? entry : { ...entry, fieldsV1: left }] : []
}

/** After a create, replace or patch only its manager owns the changed fields. */
export function recordUpdate(before: KubeObject | undefined, after: KubeObject, manager: Manager): KubeObject {
  const changed = changes(before, after, [])
  if (!changed)
    return { ...after, metadata: { ...after.metadata, managedFields: before?.metadata.managedFields ?? [] } }
  const entries = before?.metadata.managedFields ?? []
  const mine = entries.find((entry) => isBy(entry, 'Update', manager))
  const others = entries.flatMap((entry) => {
    if (entry === mine) return []
    const left = without(entry.fieldsV1, changed.all)
    return left ? [{ ...entry, fieldsV1: left }] : []
  })
  const kept = mine && without(mine.fieldsV1, changed.gone)
  const entry = entryOf(manager, 'Update', after.apiVersion, union(kept, changed.set))
  const list = isEmpty(entry.fieldsV1) ? others : [...others, entry]
  return { ...after, metadata: { ...after.metadata, managedFields: list } }
}

interface Changes {
  readonly set: FieldTree | undefined
  readonly gone: FieldTree | undefined
  readonly all: FieldTree
}

function changes(before: unknown, after: unknown, path: readonly string[]): Changes | undefined {
  if (equal(before, after)) return undefined
  if (before === undefined) return fromTrees(treeOf(after, path), undefined)
  if (after === undefined) return fromTrees(undefined, treeOf(before, path))
  const comparable = isFields(before) ? isFields(after) : Array.isArray(before) && Array.isArray(after)
  if (!comparable || mergingOf(path, after).type === 'atomic') return fromTrees({}, undefined)
  return changesBelow(before, after, path)
}

function changesBelow(before: unknown, after: unknown, path: readonly string[]): Changes | undefined {
  const set: FieldTree = {}
  const gone: FieldTree = {}
  for (const step of new Set([...stepsOf(before, path), ...stepsOf(after, path)])) {
    const next = pathAt(path, step)
    const old = childAt(before, step, path)
    const below = isUnowned(next) ? undefined : changes(old, childAt(after, step, path), next)
    if (below?.set) set[step] = old === undefined ? asNew(step, below.set) : below.set
    if (below?.gone) gone[step] = below.gone
  }
  const [some, none] = [orNothing(set), orNothing(gone)]
  return some || none ? fromTrees(some, none) : undefined
}

/** An item that was not there is owned itself, beside its fields. */
const asNew = (step: string, tree: FieldTree): FieldTree => (step.startsWith('f:') ? tree : { '.': {}, ...tree })

const orNothing = (tree: FieldTree): FieldTree | undefined => (isEmpty(tree) ? undefined : tree)

/** Items of lists are not part of a path. */
const pathAt = (path: readonly string[], step: string): readonly string[] =>
  step.startsWith('f:') ? [...path, step.slice(2)] : path

const fromTrees = (set: FieldTree | undefined, gone: FieldTree | undefined): Changes => ({
  set,
  gone,
  all: union(set, gone),
})

function stepsOf(value: unknown, path: readonly string[]): string[] {
  if (Array.isArray(value)) {
    const merging = mergingOf(path, value)
    return value.map((item) => itemStep(merging, item))
  }
  return isFields(value) ? Object.keys(value).map((field) => `f:${field}`) : []
}

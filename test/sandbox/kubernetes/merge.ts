/** Merging a configuration into an object, and taking fields out of it, along the keys of `merge-keys.ts`. */
import { isEmpty, isMember } from './field-tree.ts'
import { itemStep, mergingOf } from './merge-keys.ts'
import type { FieldTree } from './objects.ts'

type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `applied` wins; what it does not name stays. Returns `live` itself where nothing changes. */
export function merge(live: unknown, applied: unknown, path: readonly string[] = []): unknown {
  if (live === undefined || live === null) return applied
  const merging = mergingOf(path, applied)
  if (merging.type === 'atomic' || typeof applied !== 'object' || applied === null) return same(live, applied)
  if (Array.isArray(applied)) return Array.isArray(live) ? mergeList(live, applied, path) : applied
  if (!isFields(live)) return applied
  let merged: Record<string, unknown> | undefined
  for (const field in applied as Fields) {
    const value = merge(live[field], (applied as Fields)[field], [...path, field])
    if (value === live[field]) continue
    merged ??= { ...live }
    merged[field] = value
  }
  return merged ?? live
}

function mergeList(live: readonly unknown[], applied: readonly unknown[], path: readonly string[]): unknown {
  const merging = mergingOf(path, applied)
  const steps = live.map((item) => itemStep(merging, item))
  const result = [...live]
  let changed = false
  for (const item of applied) {
    const at = steps.indexOf(itemStep(merging, item))
    const value = at < 0 || merging.type === 'set' ? item : merge(live[at], item, path)
    if (at >= 0 && (merging.type === 'set' || value === live[at])) continue
    changed = true
    if (at < 0) result.push(value)
    else result[at] = value
  }
  return changed ? result : live
}

/** Removes the members of `tree`; containers that become empty by it stay as the API leaves them: gone. */
export function prune(value: unknown, tree: FieldTree, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) return pruneList(value, tree, path)
  if (!isFields(value)) return value
  const result: Record<string, unknown> = {}
  for (const [field, child] of Object.entries(value)) {
    const below = tree[`f:${field}`]
    const rest = below ? pruneField(child, below, [...path, field]) : child
    if (rest !== undefined) result[field] = rest
  }
  return result
}

function pruneField(value: unknown, tree: FieldTree, path: readonly string[]): unknown {
  const rest = isEmpty(tree) ? undefined : prune(value, tree, path)
  return hasNothing(rest) ? undefined : rest
}

function pruneList(list: readonly unknown[], tree: FieldTree, path: readonly string[]): unknown {
  const merging = mergingOf(path, list)
  return list.flatMap((item) => {
    const below = tree[itemStep(merging, item)]
    if (below === undefined) return [item]
    return isMember(below) ? [] : [prune(item, below, path)]
  })
}

const hasNothing = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isFields(value) && isEmpty(value as FieldTree)

/** The live value where both say the same, so that an apply without a change is seen by identity. */
export const same = (live: unknown, next: unknown): unknown => (equal(live, next) ? live : next)

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
  if (!isFields(a) || !isFields(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]))
}

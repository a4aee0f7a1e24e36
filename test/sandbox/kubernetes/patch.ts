/** The patch types beside apply: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge. */
import { badRequest, Failure } from './failure.ts'
import { equal, isFields } from './merge.ts'
import { itemStep, mergingOf } from './merge-keys.ts'

type Fields = Record<string, unknown>

const TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']

export function assertPatchType(contentType: string): void {
  if (TYPES.includes(contentType)) return
  throw new Failure(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - ${contentType}`)
}

export function patched(contentType: string, live: unknown, patch: unknown): unknown {
  if (contentType === 'application/json-patch+json') return jsonPatch(live, patch)
  if (contentType === 'application/merge-patch+json') return mergePatch(live, patch)
  return strategic(live, patch, [])
}

function mergePatch(live: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const result: Fields = isFields(live) ? { ...live } : {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field]
    else result[field] = mergePatch(result[field], value)
  }
  return result
}

/** As a merge patch, but lists with keys merge by them; `$patch: delete` and `$patch: replace` are known. */
function strategic(live: unknown, patch: unknown, path: readonly string[]): unknown {
  if (Array.isArray(patch)) return strategicList(Array.isArray(live) ? live : [], patch, path)
  if (!isFields(patch)) return patch
  const { $patch: directive, ...fields } = patch
  if (directive === 'replace') return fields
  const result: Fields = isFields(live) ? { ...live } : {}
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('$')) continue
    if (value === null) delete result[field]
    else result[field] = strategic(result[field], value, [...path, field])
  }
  return result
}

function strategicList(live: readonly unknown[], patch: readonly unknown[], path: readonly string[]): unknown {
  const merging = mergingOf(path, patch)
  if (merging.type === 'atomic') return patch
  const result = [...live]
  for (const item of patch) {
    const step = itemStep(merging, item)
    const at = result.findIndex((one) => itemStep(merging, one) === step)
    if (isFields(item) && item['$patch'] === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (at < 0) result.push(item)
    else result[at] = strategic(result[at], item, path)
  }
  return result
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

function jsonPatch(live: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations')
  const document: unknown = structuredClone(live)
  for (const operation of patch as Operation[]) run(document, operation)
  return document
}

function run(document: unknown, operation: Operation): void {
  const verb = OPERATIONS[operation.op]
  if (!verb) throw badRequest(`unknown operation ${operation.op}`)
  verb(document, operation)
}

const OPERATIONS: Readonly<Record<string, (document: unknown, operation: Operation) => void>> = {
  test(document, { path, value }) {
    if (!equal(locate(document, path).get(), value)) throw unprocessable(`testing value ${path} failed`)
  },
  add: (document, { path, value }) => locate(document, path).add(value),
  replace: (document, { path, value }) => locate(document, path).replace(value),
  remove: (document, { path }) => locate(document, path).remove(),
  move(document, { path, from = '' }) {
    const source = locate(document, from)
    const moved = source.get()
    source.remove()
    locate(document, path).add(moved)
  },
  copy: (document, { path, from = '' }) => locate(document, path).add(structuredClone(locate(document, from).get())),
}

const unprocessable = (why: string) =>
  new Failure(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`)

interface Place {
  get(): unknown
  add(value: unknown): void
  replace(value: unknown): void
  remove(): void
}

function locate(document: unknown, pointer: string): Place {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop() ?? ''
  let parent: unknown = document
  for (const step of steps) parent = (parent as Fields | undefined)?.[step]
  if (typeof parent !== 'object' || parent === null) throw unprocessable(`path ${pointer} does not exist`)
  return Array.isArray(parent) ? place(parent, last, pointer) : field(parent as Fields, last, pointer)
}

function place(list: unknown[], step: string, pointer: string): Place {
  const at = step === '-' ? list.length : Number(step)
  const must = () => {
    if (!(at >= 0 && at < list.length)) throw unprocessable(`path ${pointer} does not exist`)
  }
  return {
    get: () => list[at],
    add: (value) => void list.splice(at, 0, value),
    replace(value) {
      must()
      list[at] = value
    },
    remove() {
      must()
      list.splice(at, 1)
    },
  }
}

function field(fields: Fields, name: string, pointer: string): Place {
  const must = () => {
    if (!(name in fields)) throw unprocessable(`path ${pointer} does not exist`)
  }
  return {
    get: () => fields[name],
    add(value) {
      fields[name] = value
    },
    replace(value) {
      must()
      fields[name] = value
    },
    remove() {
      must()
      delete fields[name]
    },
  }
}

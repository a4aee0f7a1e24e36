/** Kubernetes objects as YAML for human readers. */
import { Document, isMap, isPair, isSeq, type Pair, visit } from 'yaml'

export const NOTICE = '# Made by `make render` from the tables of the code; do not edit.\n'

/** Lists whose items take one line each, unless an item has such a list itself. */
const FLAT: readonly unknown[] = [
  'env',
  'rules',
  'volumes',
  'volumeMounts',
  'matches',
  'filters',
  'backendRefs',
  'subjects',
]

const hasItems = (pair: unknown): boolean => isPair(pair) && isSeq(pair.value) && pair.value.items.some(isMap)

function flatten({ key, value }: Pair<unknown, unknown>): void {
  const name = key && typeof key === 'object' && 'value' in key ? key.value : key
  if (!FLAT.includes(name) || !isSeq(value)) return
  for (const item of value.items) if (isMap(item) && !item.items.some(hasItems)) item.flow = true
}

function documentOf(object: object): string {
  const document = new Document(object, { aliasDuplicateObjects: false })
  visit(document, { Pair: (_, pair) => flatten(pair) })
  return document.toString({ lineWidth: 0, singleQuote: true })
}

export const yamlOf = (...objects: readonly object[]): string => NOTICE + objects.map(documentOf).join('---\n')

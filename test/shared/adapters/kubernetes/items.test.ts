import { expect, test } from 'vitest'
import { createItemReader } from '../../../../shared/adapters/kubernetes/items.ts'

/** Everything that could be taken for a brace, a bracket or the end of a text. */
const nasty = (n: number) => ({
  metadata: { name: `n"{[\\${n}`, 'k:{"name":"ü€😀"}': { '.': {} }, empty: [], nested: [[{}]], slash: '\\"' },
  spec: [1, [2, { a: ']' }]],
})
const several = (count: number) => Array.from({ length: count }, (_, n) => nasty(n))

const LISTS: readonly (readonly [name: string, list: { items: unknown[] | null } & Record<string, unknown>])[] = [
  ['an empty one', { kind: 'L', metadata: { continue: 'x[{"', remainingItemCount: 3 }, items: [] }],
  ['one that says null', { kind: 'L', metadata: {}, items: null }],
  ['one whose items come first', { items: several(7), metadata: { continue: '}]' } }],
  ['one with a field behind its items', { kind: 'L', metadata: { resourceVersion: '1' }, items: several(1), z: 1 }],
]

test.each(LISTS)('%s comes apart into what it is made of, however its bytes are cut', (_, list) => {
  for (const indent of [0, 1]) {
    const bytes = Buffer.from(JSON.stringify(list, null, indent))
    for (let size = 1; size < 60; size += 1) {
      const items: unknown[] = []
      const reader = createItemReader((json) => items.push(JSON.parse(json)))
      for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size))
      expect(items).toEqual(list.items ?? [])
      expect(JSON.parse(reader.rest())).toEqual({ ...list, items: list.items && [] })
    }
  }
})

test('one that breaks off leaves no list', () => {
  const bytes = Buffer.from(JSON.stringify({ metadata: {}, items: several(3) }))
  const items: string[] = []
  const reader = createItemReader((json) => items.push(json))
  reader.write(bytes.subarray(0, bytes.length - 40))
  expect(items).toHaveLength(2)
  expect(() => JSON.parse(reader.rest())).toThrow()
})

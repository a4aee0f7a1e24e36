import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createChain } from '../../../shared/commands/archive-chain.ts'

/** Documents of entries 1 to `count`, each with the digest of the one before. */
function documents(count: number): string[] {
  const all: string[] = []
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const before = all.at(-1)
    const previous = before === undefined ? null : createHash('sha256').update(before).digest('hex')
    all.push(JSON.stringify({ version: 3, sequence, previous }))
  }
  return all
}

function faultsOf(kept: readonly string[], head: number): readonly string[] {
  const chain = createChain()
  for (const document of kept) chain.add(document, JSON.parse(document))
  return chain.end(head).faults
}

const ALL = documents(6)
const without = (...numbers: number[]) => ALL.filter((_, index) => !numbers.includes(index + 1))

test.each<[string, readonly string[], readonly string[]]>([
  ['the whole chain', ALL, []],
  ['in another order', ALL.toReversed(), []],
  ['pruned from its start', without(1, 2), []],
  ['one is taken away', without(3), ['entry 3 is missing']],
  ['several are taken away', without(2, 3, 5), ['entries 2 to 3 are missing', 'entry 5 is missing']],
  ['the last ones are taken away', without(5, 6), ['entries 5 to 6 are missing']],
  [
    'one is replaced',
    ALL.with(2, JSON.stringify({ ...JSON.parse(ALL[2] ?? ''), outcome: 'executed' })),
    ['entry 4 was not made after entry 3 as it is'],
  ],
  ['one is inserted again', [...ALL, ALL[1] ?? ''], ['entry 2 is there twice']],
  ['entries of former versions', ['{"version":2}', ...ALL], []],
])('%s', (_, kept, faults) => expect(faultsOf(kept, 6)).toEqual(faults))

test('an archive without entries of this version has no chain', () =>
  expect(faultsOf(['{"version":2}'], 0)).toEqual([]))

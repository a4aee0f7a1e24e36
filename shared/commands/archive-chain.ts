/**
 * The chain of archive entries: each has a number and the digest of the one before, so that one that is taken away, replaced or
 * inserted is found. Entries at the start may be missing, because the archive is pruned from its start.
 */
import { createHash } from 'node:crypto'
import { asObject, textOf } from '../adapters/json.ts'

interface Link {
  readonly previous: string | undefined
  readonly digest: string
}

const numbered = (from: number, to: number): string =>
  from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`

export function createChain() {
  const links = new Map<number, Link>()
  const faults: string[] = []

  function between(before: number, number: number): string | undefined {
    if (before + 1 < number) return numbered(before + 1, number - 1)
    if (links.get(number)?.previous === links.get(before)?.digest) return undefined
    return `entry ${number} was not made after entry ${before} as it is`
  }

  return {
    /** Entries of former versions have no number and are left out. */
    add(document: string, parsed: unknown): void {
      const entry = asObject(parsed)
      const { sequence } = entry
      if (!Number.isSafeInteger(sequence)) return
      const number = sequence as number
      if (links.has(number)) faults.push(`entry ${number} is there twice`)
      const digest = createHash('sha256').update(document).digest('hex')
      links.set(number, { previous: textOf(entry, 'previous'), digest })
    },
    /** @param head number of the last entry that was made */
    end(head: number): { readonly faults: readonly string[]; readonly first: number | undefined } {
      const numbers = [...links.keys()].toSorted((one, other) => one - other)
      const [first, ...later] = numbers
      let before = first ?? head
      for (const number of later) {
        const fault = between(before, number)
        if (fault) faults.push(fault)
        before = number
      }
      if (before < head) faults.push(numbered(before + 1, head))
      return { faults, first }
    },
  }
}

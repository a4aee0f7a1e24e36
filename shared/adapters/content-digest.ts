/**
 * Digests of what an archive entry has beside its document. A digest of a list is the SHA-256 of the concatenated SHA-256 of
 * its items, in order, so that neither side has to hold the list. PostgreSQL computes the same (`postgres/archive.ts`).
 */
import { createHash } from 'node:crypto'
import type { KeptLine } from '../po/ports/logs.ts'

interface ListDigest {
  add(item: string): void
  /** Hexadecimal. */
  end(): string
}

export function listDigest(): ListDigest {
  const all = createHash('sha256')
  return {
    add: (item) => void all.update(createHash('sha256').update(item).digest()),
    end: () => all.digest('hex'),
  }
}

/** A line as it is digested: status and message may hold anything, so the length of the status stands before it. */
export const lineItem = ({ at, level, progress, status, message }: Omit<KeptLine, 'seq'>): string =>
  `${at.toISOString()}\n${level}\n${progress}\n${Buffer.byteLength(status)}\n${status}${message}`

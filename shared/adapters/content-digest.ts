/**
 * Digests of the lines and logs of an archive entry. The digest of a list is the SHA-256 of the concatenated SHA-256 of its
 * items, so the list need not be in memory. PostgreSQL computes the same digests (`postgres/po/archive.ts`).
 */
import { createHash } from 'node:crypto'
import type { KeptLine } from '../po/ports/logs.ts'

export function listDigest() {
  const all = createHash('sha256')
  return {
    add: (item: string) => void all.update(createHash('sha256').update(item).digest()),
    /** Hexadecimal. */
    end: () => all.digest('hex'),
  }
}

/** The item of a line. Status and message may contain any text, so the length of the status precedes it. */
export const lineItem = ({ at, level, progress, status, message }: Omit<KeptLine, 'seq'>): string =>
  `${at.toISOString()}\n${level}\n${progress}\n${Buffer.byteLength(status)}\n${status}${message}`

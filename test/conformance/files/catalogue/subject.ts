/** Fixture of the suite. */
import { createHash } from 'node:crypto'
import { objectIdOf } from '../../../../shared/files/id.ts'
import type { Body, Content, ObjectId } from '../../../../shared/files/model.ts'
import { parseObjectId } from '../../../../shared/files/model.ts'
import type { Catalogue, Received } from '../../../../shared/files/ports.ts'

export interface CatalogueTarget {
  readonly catalogue: Catalogue
  /** Another process of the same database. */
  readonly other: Catalogue
}

export const START = new Date('2026-03-01T12:00:00.123Z')

export const plus = (seconds: number): Date => new Date(START.getTime() + seconds * 1000)

export const LEASES = { claimed: plus(600), abandoned: plus(600) }

let count = 0

export const newId = (): ObjectId => {
  count += 1
  return objectIdOf(parseObjectId, START, Buffer.from(count.toString(16).padStart(16, '0'), 'hex'))
}

/** A content by a word, as if its bytes were received. */
export const contentOf = (word: string): Content => ({
  sha256: createHash('sha256').update(word).digest('hex'),
  md5: createHash('md5').update(word).digest('hex'),
  length: word.length,
})

export async function received(catalogue: Catalogue, word: string): Promise<Received> {
  return { body: await catalogue.begin(plus(300)), content: contentOf(word) }
}

/** All orphaned bodies that are due at a time, however late. */
export const orphanedAt = (catalogue: Catalogue, at: Date): Promise<Body[]> => catalogue.claimOrphans(at, LEASES, 1000)

/** Adds a file whose content is a word. */
export const addTo = async (catalogue: Catalogue, word: string, filename = `${word}.txt`, at = START) =>
  catalogue.add(await received(catalogue, word), { id: newId(), filename, at })

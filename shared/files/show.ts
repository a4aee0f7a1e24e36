/** Files, inputs and outputs in the form of the API. Pure. */
import type { StoredFile } from './model.ts'
import type { OutputFile, OutputSet, RunInput } from './ports.ts'

/** As Python writes a time without a zone: microseconds, or none at all. */
const naive = (time: Date): string =>
  time
    .toISOString()
    .replace(/(?:\.000)?Z$/, '')
    .replace(/\.\d{3}$/, '$&000')

export interface FileRow {
  readonly file_id: string
  readonly filename: string
  readonly length: number
  readonly uploadDate: string
  readonly metadata: { readonly hash: string }
}

export const fileRow = ({ id, filename, length, uploadedAt, md5 }: StoredFile): FileRow => ({
  file_id: id,
  filename,
  length,
  uploadDate: naive(uploadedAt),
  metadata: { hash: md5 },
})

export interface InputRow {
  readonly name: string
  readonly file_id: string
  readonly sha256: string | null
  readonly length: number | null
}

export const inputRow = ({ name, fileId, content }: RunInput): InputRow => ({
  name,
  file_id: fileId,
  sha256: content?.sha256 ?? null,
  length: content?.length ?? null,
})

export interface SetAnswer {
  readonly state: OutputSet['state']
  readonly reason: string | null
  readonly count: number
  readonly bytes: number
  readonly files: readonly OutputFile[]
}

/** @param files of an open set, a page */
export const setAnswer = (
  { state, reason, files: count, bytes }: OutputSet,
  files: readonly OutputFile[] = [],
): SetAnswer => ({ state, reason, count, bytes, files })

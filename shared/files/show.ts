/** Files, inputs and outputs in the form of the API. Pure. */
import type { StoredFile } from './model.ts'
import type { OutputFile, OutputSet, RunInputFile } from './ports.ts'

/** As Python writes a time without a zone: microseconds, or none at all. */
const naive = (time: Date): string =>
  time
    .toISOString()
    .replace(/(?:\.000)?Z$/, '')
    .replace(/\.\d{3}$/, '$&000')

export const fileRow = ({ id, filename, length, uploadedAt, md5 }: StoredFile) => ({
  file_id: id,
  filename,
  length,
  uploadDate: naive(uploadedAt),
  metadata: { hash: md5 },
})

export const inputRow = ({ name, fileId, content }: RunInputFile) => ({
  name,
  file_id: fileId,
  sha256: content?.sha256 ?? null,
  length: content?.length ?? null,
})

/** @param files of an open set, a page */
export const setAnswer = ({ state, reason, files: count, bytes }: OutputSet, files: readonly OutputFile[] = []) => ({
  state,
  reason,
  count,
  bytes,
  files,
})

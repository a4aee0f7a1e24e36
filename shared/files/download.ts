/** A stored content, to be read from any byte on. */

import type { Bytes } from '../platform/ports.ts'
import type { ByteRange, StoredFile } from './model.ts'
import type { FilePorts } from './ports.ts'

export interface Download extends Pick<StoredFile, 'sha256' | 'length' | 'filename'> {
  readonly type: 'application/octet-stream' | 'application/json'
  readonly read: (range: ByteRange) => Bytes
}

export const downloadOf = (
  { blobs }: Pick<FilePorts, 'blobs'>,
  { body, sha256, length, filename }: Pick<StoredFile, 'body' | 'sha256' | 'length' | 'filename'>,
): Download => ({ sha256, length, filename, type: 'application/octet-stream', read: (range) => blobs.get(body, range) })

/** The Digest port: SHA-256, which identifies contents, and MD5 for older clients, in one pass. */
import { createHash } from 'node:crypto'
import type { Digest } from '../files/ports.ts'

export function createDigest(): Digest {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')]
  let length = 0
  return {
    update(bytes) {
      sha256.update(bytes)
      md5.update(bytes)
      length += bytes.length
    },
    end: () => ({ sha256: sha256.digest('hex'), md5: md5.digest('hex'), length }),
  }
}

/** Files that the commands for verification read. */
import { readPublicKey } from '../adapters/signing.ts'
import { CannotBegin } from './command.ts'

export type Read = (path: string) => string

/** @throws CannotBegin */
export function readText(path: string, read: Read): string {
  try {
    return read(path)
  } catch {
    throw new CannotBegin(`${path}: cannot be read`)
  }
}

/** The public key in PEM form. @throws CannotBegin for anything else, a private key among it */
export function readKey(path: string, read: Read): string {
  const pem = readText(path, read)
  if (!readPublicKey(pem)) throw new CannotBegin(`${path}: expected a public key or a certificate in PEM form`)
  return pem
}

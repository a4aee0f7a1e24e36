/** A key pair as a node has one, in files that are deleted at the end. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function createNodeKey() {
  const folder = mkdtempSync(join(tmpdir(), 'node-key-'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keyFile = join(folder, 'node.pem')
  const publicKeyFile = join(folder, 'node.pub.pem')
  writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  writeFileSync(publicKeyFile, publicKey.export({ format: 'pem', type: 'spki' }))
  return {
    folder,
    publicKeyFile,
    /** Settings of functions that sign. */
    env: { NODE_KEY: keyFile },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

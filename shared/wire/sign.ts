import { createSign } from '../adapters/signing.ts'
import type { Ports, Sign } from '../po/ports.ts'
import type { Wiring } from './index.ts'

/** The key is read once; a key that cannot be used fails each use, and the check at start (`http/serve.ts`). */
export const sign: Wiring<Pick<Ports, 'sign'>> = ({ config }) => {
  let ready: Promise<Sign> | undefined
  return {
    sign: async (document) => {
      ready ??= createSign({ keyFile: config.NODE_KEY, passphrase: config.NODE_KEY_PW })
      return (await ready)(document)
    },
  }
}

import { createSign } from '../adapters/signing.ts'
import type { Sign } from '../po/ports/archive.ts'
import type { PoPorts } from '../po/ports.ts'
import type { Config } from '../settings/config.ts'
import type { Wiring } from './context.ts'

const create = (config: Config): Promise<Sign> =>
  createSign({ keyFile: config.NODE_KEY, passphrase: config.NODE_KEY_PW })

const wiring: Wiring<Pick<PoPorts, 'sign'>> = ({ config }) => {
  const ready = create(config)
  // Awaited at first use; a failure before that is not an unhandled rejection.
  ready.catch(() => {})
  return { sign: async (document) => (await ready)(document) }
}

export const sign = Object.assign(wiring, { check: create })

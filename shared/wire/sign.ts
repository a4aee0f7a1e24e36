import { createSignEnvelope } from '../adapters/envelope.ts'
import { createSign } from '../adapters/signing.ts'
import { recordMaker } from '../adapters/statement.ts'
import type { PoPorts } from '../po/ports.ts'
import type { Config } from '../settings/config.ts'
import type { Wiring } from './context.ts'

type Signing = Pick<PoPorts, 'sign' | 'makeRecord'>

async function create(config: Config): Promise<Signing> {
  const options = { keyFile: config.NODE_KEY, passphrase: config.NODE_KEY_PW }
  return { sign: await createSign(options), makeRecord: recordMaker(await createSignEnvelope(options)) }
}

const wiring: Wiring<Signing> = ({ config }) => {
  const ready = create(config)
  // Awaited at first use; a failure before that is not an unhandled rejection.
  ready.catch(() => {})
  return {
    sign: async (document) => (await ready).sign(document),
    makeRecord: async (facts, node, at) => (await ready).makeRecord(facts, node, at),
  }
}

export const sign = Object.assign(wiring, { check: create })

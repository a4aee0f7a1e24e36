/**
 * Analyses that go wrong, one way each, chosen by the environment variable MISBEHAVIOUR.
 * DELAY_MS is how long `crash`, `exit`, `fail`, `stopped` work before they do it (500), and `slow-start` starts (20000).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { endOnSignals, listen, type Status } from './api.ts'
import { type Sdk, startSdk } from './sdk.ts'

const env = process.env
const delay = (fallback: number) => sleep(Number(env['DELAY_MS'] ?? fallback))

/** Works for a moment, reports it and ends. */
async function endAs(status: Status, message: string): Promise<void> {
  const sdk = await startSdk(env)
  await delay(500)
  sdk.become(status, status === 'executed' ? 100 : undefined)
  await sdk.log(message, status === 'failed' ? 'error' : 'info')
}

async function work(): Promise<Sdk> {
  const sdk = await startSdk(env)
  await sdk.log('working')
  return sdk
}

async function beStuck(): Promise<void> {
  const sdk = await startSdk(env)
  sdk.become('stuck')
  await sdk.log('a client could not be initialised', 'error')
}

export const MISBEHAVIOURS = {
  /** Works until it is killed. */
  endless: async () => {
    await work()
  },
  /** Ignores SIGTERM. */
  stubborn: async () => {
    process.removeAllListeners('SIGTERM').on('SIGTERM', () => {})
    await work()
  },
  /** Says `stuck`, for ever. */
  stuck: beStuck,
  /** Is stuck in its first run and does its work in the next. */
  flaky: () => (/-1$/.test(env['DEPLOYMENT_NAME'] ?? '') ? beStuck() : endAs('executed', 'this time it went well')),
  /** Never listens. */
  silent: async () => {
    console.log('never listening')
    setInterval(() => {}, 60_000)
  },
  /** Accepts connections and never answers. */
  hang: async () => {
    await listen(env, () => {})
    console.log('never answering')
  },
  /** Dies of an error. */
  crash: async () => {
    await work()
    await delay(500)
    throw new Error('out of luck')
  },
  /** Exits without reporting its end. */
  exit: async () => {
    await work()
    await delay(500)
    process.exit(0)
  },
  fail: () => endAs('failed', 'the model does not converge'),
  stopped: () => endAs('stopped', 'a partner stopped'),
  /** Listens late, then works. */
  'slow-start': async () => {
    await delay(20_000)
    await endAs('executed', 'better late than never')
  },
} as const satisfies Record<string, () => Promise<void>>

if (import.meta.main) {
  const kind = env['MISBEHAVIOUR'] ?? ''
  if (!Object.hasOwn(MISBEHAVIOURS, kind)) throw new Error(`MISBEHAVIOUR is none of ${Object.keys(MISBEHAVIOURS)}`)
  endOnSignals()
  await MISBEHAVIOURS[kind as keyof typeof MISBEHAVIOURS]()
}

/**
 * Tries every connection that must fail and every one that must work. A connection counts as closed if it is not established
 * within a window that is much longer than a connection to the proxy takes. Policies may take effect some time after a pod has
 * started, so open ways are tried again for a while.
 */
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IsolationCheck, IsolationReport, IsolationTarget } from '../platform/isolation.ts'

/** Shortest time that a connection attempt gets. */
const WINDOW_MS = 300
/** The window in units of the time that a connection to the first target that works takes. */
const WINDOW_FACTOR = 10
const RETRY_MS = 100

/** True once connected. A name that does not resolve, a refusal and silence are all no connection. */
async function connects({ host, port }: IsolationTarget, windowMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(windowMs)
  const address = await Promise.race([lookup(host).catch(() => undefined), sleep(windowMs, undefined, { ref: false })])
  if (!address || signal.aborted) return false
  return new Promise((resolve) => {
    const socket = connect({ host: address.address, port })
    const end = (isConnected: boolean) => {
      socket.destroy()
      resolve(isConnected)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
    signal.addEventListener('abort', () => end(false))
  })
}

/** Of these, those that connect and those that do not. */
async function tryAll(targets: readonly IsolationTarget[], windowMs: number) {
  const results = await Promise.all(targets.map((target) => connects(target, windowMs)))
  return {
    connected: targets.filter((_, index) => results[index]),
    failed: targets.filter((_, index) => !results[index]),
  }
}

/** Tries until all connect or the time is over. Resolves to those that do not, and to the time of the last attempt. */
async function waitFor(targets: readonly IsolationTarget[], untilMs: number) {
  for (;;) {
    const since = Date.now()
    const { failed } = await tryAll(targets, Math.max(WINDOW_MS, Math.min(5000, untilMs - since)))
    if (failed.length === 0 || Date.now() >= untilMs) return { failed, connectMs: Date.now() - since }
    await sleep(RETRY_MS)
  }
}

export async function checkIsolation(check: IsolationCheck): Promise<IsolationReport> {
  const start = Date.now()
  const { failed, connectMs } = await waitFor(check.mustWork, start + check.waitMs)
  const waitedMs = Date.now() - start
  const windowMs = Math.max(WINDOW_MS, WINDOW_FACTOR * connectMs)
  const settledAt = Date.now() + check.settleMs
  let round = await tryAll(check.mustFail, windowMs)
  while (round.connected.length > 0 && Date.now() < settledAt) {
    await sleep(RETRY_MS)
    round = await tryAll(check.mustFail, windowMs)
  }
  // Only a network that works after the attempts shows that they failed because of the policies.
  const control = failed.length > 0 ? failed : (await tryAll(check.mustWork, windowMs)).failed
  const names = (targets: readonly IsolationTarget[]) => targets.map(({ name }) => name)
  return {
    proven: round.connected.length === 0 && control.length === 0,
    ms: Date.now() - start - waitedMs,
    waitedMs,
    closed: names(round.failed),
    open: names(round.connected),
    works: names(check.mustWork.filter((target) => !control.includes(target))),
    fails: names(control),
  }
}

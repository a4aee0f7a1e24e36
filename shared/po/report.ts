/**
 * Reports to the Hub: how ends and our own log lines read, and the delivery of the outbox.
 *
 *   claim → send → settle or postpone
 *
 * The reports of one analysis are delivered one after the other, oldest first; analyses are independent of each other. A report
 * that the Hub refuses is settled with the reason. While the Hub is down, all reports of the analysis wait.
 */
import { retryAt } from '../platform/backoff.ts'
import { withLimit } from '../platform/concurrency.ts'
import { type Drained, drain } from '../platform/drain.ts'
import { isFault } from '../platform/fault.ts'
import { WORDS } from './lifecycle.ts'
import {
  type Analysis,
  type AnalysisId,
  isVersion4,
  type LineLevel,
  type LogLine,
  type Outcome,
  type Report,
} from './model.ts'
import type { PendingReport } from './ports/outbox.ts'
import type { PoPorts } from './ports.ts'

export const outcomeReport = (outcome: Outcome, progress: number): Report => ({
  kind: 'status',
  status: outcome,
  progress: outcome === 'executed' ? 100 : progress,
})

/** A line that we write into the log of an analysis. */
export function ownLine(level: LineLevel, marker: string, text: string, { state, progress }: Analysis): LogLine {
  return { level, message: `${marker}: ${text}`, status: WORDS[state].status, progress }
}

export type DeliveryPorts = Pick<PoPorts, 'store' | 'hub' | 'log' | 'now' | 'random'>

const LEASE_MS = 30_000

/**
 * Delivers the reports that are due, of one analysis or of all, until none is due or `deadline` has passed. The first success
 * after a failed attempt makes all waiting reports due: the Hub is up again.
 */
export function deliver(ports: DeliveryPorts, deadline: Date, id?: AnalysisId): Promise<Drained> {
  const { store, log, now } = ports
  let isHastened = false
  return drain(
    {
      claim: (limit) => store.claimReports(now(), LEASE_MS, limit, id),
      isAlone: ({ unfinished }) => unfinished > 1,
      send: async (pending) => {
        const delivery = await deliverOne(ports, pending)
        if (delivery === 'waiting') return false
        const reason = delivery === 'sent' ? undefined : delivery.refused
        if (reason !== undefined)
          log('warn', 'report refused', { analysis: pending.id, kind: pending.report.kind, reason })
        await store.settleReport(pending.seq)
        if (pending.attempts > 0 && !isHastened) {
          isHastened = true
          await store.retryReportsNow(now())
        }
        return true
      },
    },
    now,
    deadline,
  )
}

interface Refused {
  /** Why it is never sent again. */
  readonly refused: string
}

async function deliverOne(ports: DeliveryPorts, pending: PendingReport): Promise<'sent' | 'waiting' | Refused> {
  try {
    return await send(ports, pending)
  } catch (error) {
    if (isFault(error, 'refused')) return { refused: error.message }
    await postpone(ports, pending, error)
    return 'waiting'
  }
}

async function send({ hub }: DeliveryPorts, { id, report }: PendingReport): Promise<'sent' | Refused> {
  if (!isVersion4(id)) return { refused: 'the Hub takes only ids of version 4' }
  if (report.kind === 'log') {
    await hub.createLog(id, report)
    return 'sent'
  }
  const own = await hub.analysisNode(id)
  if (!own) return { refused: 'the Hub does not know this analysis on this node' }
  await hub.updateStatus(own.analysisNodeId, report.status, report.progress)
  return 'sent'
}

async function postpone(ports: DeliveryPorts, { id, report, attempts }: PendingReport, error: unknown): Promise<void> {
  await ports.store.postponeReports(id, retryAt(ports, attempts))
  ports.log('info', 'report postponed', { analysis: id, kind: report.kind, attempts: attempts + 1, error })
}

// --------------------------------------------------------------------------------------------- after an answer

/** How long a function delivers after it has answered its caller. */
const AFTER_ANSWER_MS = 5000

/**
 * Makes a function that delivers what is due after an answer. A process delivers once at a time; otherwise all its requests
 * would claim the same rows while the Hub is down. Calls during a delivery share the next one. The sweep repeats what fails.
 */
export function deliverSoon(): (ports: DeliveryPorts) => Promise<void> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined
  const deliverNext = async (ports: DeliveryPorts): Promise<void> => {
    await current.catch(() => {}) // reported to its own callers
    next = undefined
    const deadline = new Date(ports.now().getTime() + AFTER_ANSWER_MS)
    current = deliver({ ...ports, store: oneConnection(ports.store) }, deadline)
    await current
  }
  return (ports) => {
    next ??= deliverNext(ports)
    return next
  }
}

/** Limits a delivery to one connection of the pool: the others serve requests that wait for an answer. */
function oneConnection(store: PoPorts['store']): PoPorts['store'] {
  const inTurn = withLimit(1)
  return {
    ...store,
    claimReports: (...args) => inTurn(() => store.claimReports(...args)),
    settleReport: (...args) => inTurn(() => store.settleReport(...args)),
    postponeReports: (...args) => inTurn(() => store.postponeReports(...args)),
    retryReportsNow: (...args) => inTurn(() => store.retryReportsNow(...args)),
  }
}

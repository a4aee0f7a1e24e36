/**
 * What the Hub is told, and its delivery: rows of the outbox go out one after the other per analysis, oldest first. A row
 * the Hub refuses is settled with the reason; while it is away the analysis's rows wait.
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
  type LogLevel,
  type LogLine,
  type Outcome,
  type Report,
} from './model.ts'
import type { PendingReport } from './ports/outbox.ts'
import type { Ports } from './ports.ts'

export type DeliveryPorts = Pick<Ports, 'store' | 'hub' | 'log' | 'now' | 'random'>

const REPORT_LEASE_MS = 30_000

/** How an end is told: what it was, and then the terminal status. */
export const outcomeReport = (outcome: Outcome, progress: number): Report => ({
  kind: 'status',
  status: outcome,
  progress: outcome === 'executed' ? 100 : progress,
})

/** A line that we write about an analysis, kept in its log and told to the Hub. */
export function ownLine(level: LogLevel, marker: string, text: string, { state, progress }: Analysis): LogLine {
  return { level, message: `${marker}: ${text}`, status: WORDS[state].status, progress }
}

async function send({ hub }: Pick<Ports, 'hub'>, { id, report }: PendingReport): Promise<string | undefined> {
  if (!isVersion4(id)) return 'the Hub takes only ids of version 4'
  if (report.kind === 'log') {
    await hub.createLog(id, report)
    return undefined
  }
  const own = await hub.analysisNode(id)
  if (!own) return 'the Hub does not know this analysis on this node'
  await hub.updateStatus(own.analysisNodeId, report.status, report.progress)
  return undefined
}

/** Puts an analysis's reports off; the next attempt comes later each time. */
async function postpone(ports: DeliveryPorts, { id, report, attempts }: PendingReport, error: unknown): Promise<void> {
  await ports.store.postponeReports(id, retryAt(ports, attempts))
  ports.log('info', 'report postponed', { analysis: id, kind: report.kind, attempts: attempts + 1, error })
}

/** Sends one report. Undefined when the Hub was away and it waits; otherwise why it was refused, or null. */
async function deliverOne(ports: DeliveryPorts, pending: PendingReport): Promise<string | null | undefined> {
  try {
    return (await send(ports, pending)) ?? null
  } catch (error) {
    if (isFault(error, 'refused')) return error.message
    await postpone(ports, pending, error)
    return undefined
  }
}

/**
 * Delivers what is due, of one analysis or of all, until nothing is due or `deadline` has passed. Analyses are served
 * side by side, the reports of one strictly in order. When the Hub is heard of again, nothing waits any longer.
 */
export function deliver(ports: DeliveryPorts, deadline: Date, id?: AnalysisId): Promise<Drained> {
  const { store, log, now } = ports
  let hastened = false
  return drain(
    {
      claim: (limit) => store.claimReports(now(), REPORT_LEASE_MS, limit, id),
      isAlone: ({ unfinished }) => unfinished > 1,
      send: async (pending) => {
        const refused = await deliverOne(ports, pending)
        if (refused === undefined) return false
        const { kind } = pending.report
        if (refused !== null) log('warn', 'report refused', { analysis: pending.id, kind, reason: refused })
        await store.settleReport(pending.seq, refused ?? undefined)
        if (pending.attempts > 0 && !hastened) {
          hastened = true
          await store.hastenReports(now())
        }
        return true
      },
    },
    now,
    deadline,
  )
}

/** A store of which the delivery uses one connection at a time: the others are for those who wait for an answer. */
function oneConnection(store: Ports['store']): Ports['store'] {
  const inTurn = withLimit(1)
  return {
    ...store,
    claimReports: (...args) => inTurn(() => store.claimReports(...args)),
    settleReport: (...args) => inTurn(() => store.settleReport(...args)),
    postponeReports: (...args) => inTurn(() => store.postponeReports(...args)),
    hastenReports: (...args) => inTurn(() => store.hastenReports(...args)),
  }
}

/** How long a function goes on delivering after its caller was answered. */
const AFTER_ANSWER_MS = 5000

/**
 * For the time after an answer: delivers what is due. A process delivers once at a time, or with the Hub away all its
 * requests would claim the same rows; who comes meanwhile waits for the delivery after. What fails is the sweep's to mend.
 */
export function deliverSoon(): (ports: DeliveryPorts) => Promise<void> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined
  const deliverNext = async (ports: DeliveryPorts): Promise<void> => {
    await current.catch(() => {}) // was its callers' to hear of
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

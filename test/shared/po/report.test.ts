/** Deliveries after answers: one at a time, and none of what was recorded is forgotten. */
import { expect, test } from 'vitest'
import { Fault } from '../../../shared/platform/fault.ts'
import type { AnalysisId, Report } from '../../../shared/po/model.ts'
import type { PendingReport } from '../../../shared/po/ports/outbox.ts'
import { type DeliveryPorts, deliverSoon } from '../../../shared/po/report.ts'

const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d' as AnalysisId
const report = (message: string): Report => ({ kind: 'log', level: 'info', message, status: null })

/** An outbox in a list, and a Hub that answers when it is let. */
function scene() {
  const outbox: PendingReport[] = []
  const told: string[] = []
  const hub = { open: Promise.resolve(), isAway: false }
  let claims = 0
  const store = {
    claimReports: async () => {
      claims += 1
      return outbox.slice(0, 1)
    },
    settleReport: async () => void outbox.shift(),
    postponeReports: async () => void outbox.splice(0),
  }
  const createLog = async (_: AnalysisId, { message }: { message: string }) => {
    await hub.open
    if (hub.isAway) throw new Fault('unavailable', 'away')
    told.push(message)
  }
  const ports = { store, hub: { createLog }, log: () => {}, now: () => new Date(), random: () => 0 }
  return {
    hub,
    told,
    claims: () => claims,
    ports: ports as unknown as DeliveryPorts,
    record: (message: string) =>
      outbox.push({ seq: message, id: ID, attempts: 0, unfinished: 1, report: report(message) }),
  }
}

test('what is recorded while a delivery is under way goes out with the one after it', async () => {
  const { hub, ports, record, told } = scene()
  const gate = Promise.withResolvers<void>()
  hub.open = gate.promise
  const deliver = deliverSoon()
  record('first')
  const first = deliver(ports)
  await new Promise(setImmediate)
  record('second')
  const second = deliver(ports)
  gate.resolve()
  await Promise.all([first, second])
  expect(told).toEqual(['first', 'second'])
})

test('a hundred requests while the Hub hangs cost two deliveries', async () => {
  const { hub, ports, record, claims } = scene()
  const gate = Promise.withResolvers<void>()
  hub.open = gate.promise
  hub.isAway = true
  const deliver = deliverSoon()
  record('first')
  const first = deliver(ports)
  await new Promise(setImmediate)
  const others = Array.from({ length: 100 }, () => deliver(ports))
  gate.resolve()
  await Promise.all([first, ...others])
  expect(claims()).toBeLessThanOrEqual(4) // each ends with a claim that finds nothing
})

test('a delivery that fails fails for those who waited for it, and for nobody after', async () => {
  const { ports, record, told } = scene()
  const deliver = deliverSoon()
  const broken = { ...ports, store: { claimReports: () => Promise.reject(new Fault('unavailable', 'away')) } }
  await expect(deliver(broken as unknown as DeliveryPorts)).rejects.toThrow('away')
  record('later')
  await deliver(ports)
  expect(told).toEqual(['later'])
})

test('a delivery uses one connection to the database at a time, however many analyses it serves', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => ID.replace(/^../, String(10 + n)) as AnalysisId)
  const waiting = ids.map((id) => ({ seq: id, id, attempts: 0, unfinished: 1, report: report('line') }))
  let [inUse, most] = [0, 0]
  const call = async <T>(value: T): Promise<T> => {
    inUse += 1
    most = Math.max(most, inUse)
    await new Promise(setImmediate)
    inUse -= 1
    return value
  }
  const settled: string[] = []
  const store = {
    claimReports: (_: Date, __: number, limit: number) => call(waiting.splice(0, limit)),
    settleReport: (seq: string) => call(void settled.push(seq)),
  }
  const hub = { createLog: async () => {} }
  const ports = { store, hub, log: () => {}, now: () => new Date(), random: () => 0 } as unknown as DeliveryPorts
  await deliverSoon()(ports)
  expect([settled.length, most]).toEqual([20, 1])
})

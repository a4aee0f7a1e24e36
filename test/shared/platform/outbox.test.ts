import { describe, expect, test } from 'vitest'
import { Fault } from '../../../shared/platform/fault.ts'
import { type Outbox, publish } from '../../../shared/platform/outbox.ts'
import type { OutgoingEvent, Pending, Sink } from '../../../shared/platform/ports.ts'

const NOW = new Date(1_000_000)
const LATER = new Date(2_000_000)

const change = (seq: string, more: Partial<Pending> = {}): Pending => ({ seq, attempts: 0, unfinished: 1, ...more })
const eventOf = ({ seq }: Pending): OutgoingEvent => ({
  id: seq,
  type: 't',
  source: 's',
  subject: 'x',
  time: NOW,
  data: {},
})

/** An outbox in memory that gives each change out once. */
function fixture(pending: readonly Pending[], emit: Sink['emit'] = async () => {}) {
  const left = [...pending]
  const seen: string[] = []
  const outbox: Outbox<Pending> = {
    claim: async (_, __, limit) => left.splice(0, limit),
    eventOf,
    fieldsOf: ({ seq }) => ({ seq }),
    settle: async ({ seq }) => void seen.push(`settled ${seq}`),
    postpone: async ({ seq }, dueAt) => void seen.push(`postponed ${seq} by ${dueAt.getTime() - NOW.getTime()} ms`),
    drop: async () => void seen.push('dropped all'),
  }
  const ports = {
    sink: { emit } as Sink | null,
    log: (level: string, event: string) => void seen.push(`${level}: ${event}`),
    now: () => NOW,
    random: () => 0,
  }
  return { outbox, ports, seen }
}

describe('publishing an outbox', () => {
  test('settles what the sink accepted', async () => {
    const sent: string[] = []
    const { outbox, ports, seen } = fixture([change('1'), change('2')], async ({ id }) => void sent.push(id))
    expect(await publish(ports, outbox, LATER)).toEqual({ settled: 2, putOff: 0 })
    expect(sent).toEqual(['1', '2'])
    expect(seen).toEqual(['settled 1', 'settled 2'])
  })

  test('postpones what did not arrive, by the table of retries', async () => {
    const { outbox, ports, seen } = fixture([change('1', { attempts: 2 })], () =>
      Promise.reject(new Fault('unavailable', 'the sink is away')),
    )
    expect(await publish(ports, outbox, LATER)).toEqual({ settled: 0, putOff: 1 })
    expect(seen).toEqual(['postponed 1 by 15000 ms', 'info: change not published yet'])
  })

  test('drops what the sink refuses, with a warning', async () => {
    const { outbox, ports, seen } = fixture([change('1')], () =>
      Promise.reject(new Fault('refused', 'no', { status: 400 })),
    )
    expect(await publish(ports, outbox, LATER)).toEqual({ settled: 1, putOff: 0 })
    expect(seen).toEqual(['warn: change refused by the sink', 'settled 1'])
  })

  test('empties the outbox where there is no sink', async () => {
    const { outbox, ports, seen } = fixture([change('1')])
    expect(await publish({ ...ports, sink: null }, outbox, LATER)).toEqual({ settled: 0, putOff: 0 })
    expect(seen).toEqual(['dropped all'])
  })

  test('sends a change whose attempt ended a process while nothing else is sent', async () => {
    let underWay = 0
    const beside: Record<string, number> = {}
    const { outbox, ports } = fixture([change('1'), change('2', { unfinished: 2 }), change('3')], async ({ id }) => {
      beside[id] = underWay
      underWay += 1
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
    })
    await publish(ports, outbox, LATER)
    expect(beside).toEqual({ 1: 0, 3: 1, 2: 0 })
  })
})

import { describe, expect, test } from 'vitest'
import { Fault, isFault } from '../../../shared/platform/fault.ts'
import type { LogLevel } from '../../../shared/platform/ports.ts'
import { type SlotPorts, sweepOncePerSlot } from '../../../shared/platform/slots.ts'

const AT = new Date(1_000_000_000)
const SLOT = 100_000

/** A store whose slots lie in a variable, and a log whose lines are kept. */
function fixture(giveBack: () => Promise<void> = async () => {}) {
  const calls: string[] = []
  const lines: [LogLevel, string][] = []
  let taken = -1
  const ports: SlotPorts = {
    store: {
      takeSlot: async (slot) => {
        const isFree = slot > taken
        taken = Math.max(taken, slot)
        return isFree
      },
      giveBackSlot: async (slot) => {
        calls.push(`give back ${slot}`)
        await giveBack()
        taken = slot - 1
      },
      completeSlot: async (slot) => void calls.push(`complete ${slot}`),
    },
    now: () => AT,
    log: (level, event) => lines.push([level, event]),
    settings: { intervalSeconds: 10 },
  }
  return { ports, calls, lines }
}

describe('the slot gate', () => {
  test('sweeps once per slot, and completes it', async () => {
    const { ports, calls, lines } = fixture()
    const sweep = async (slot: number) => {
      calls.push(`sweep ${slot}`)
      return { done: 3 }
    }
    expect(await sweepOncePerSlot(ports, sweep)).toEqual({ kind: 'swept', done: 3 })
    expect(await sweepOncePerSlot(ports, sweep)).toEqual({ kind: 'duplicate' })
    expect(calls).toEqual([`sweep ${SLOT}`, `complete ${SLOT}`])
    expect(lines).toEqual([['loop', 'sweep completed']])
  })

  test('gives a slot back when the sweep fails, so that the next tick sweeps', async () => {
    const { ports, calls } = fixture()
    const cause = new Error('no database')
    const failed = await sweepOncePerSlot(ports, () => Promise.reject(cause)).catch((error: unknown) => error)
    expect(isFault(failed, 'unavailable')).toBe(true)
    expect((failed as Fault).cause).toBe(cause)
    expect(await sweepOncePerSlot(ports, async () => ({}))).toEqual({ kind: 'swept' })
    expect(calls).toEqual([`give back ${SLOT}`, `complete ${SLOT}`])
  })

  test('logs that a slot could not be given back, and fails for the cause of the sweep', async () => {
    const { ports, lines } = fixture(() => Promise.reject(new Fault('unavailable', 'the database is away')))
    await expect(sweepOncePerSlot(ports, () => Promise.reject(new Error('x')))).rejects.toThrow(
      'The sweep could not run.',
    )
    expect(lines).toEqual([['error', 'slot not given back']])
  })
})

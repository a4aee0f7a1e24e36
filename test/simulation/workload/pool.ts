/** The product's processes: some answer callers, some reconcile. A dead process is replaced. */
import { Fault } from '../../../shared/platform/fault.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { createLoopCache, type LoopCache } from '../../../shared/po/reconcile/loop-cache.ts'
import { deliverSoon } from '../../../shared/po/report.ts'
import type { Process } from '../core/processes.ts'
import type { Random } from '../core/random.ts'
import type { Trace } from '../core/trace.ts'
import type { Break } from '../invariants/watch.ts'

export interface Running extends Process {
  readonly ports: PoPorts
  readonly cache: LoopCache
  readonly soon: ReturnType<typeof deliverSoon>
}

export type Role = 'api' | 'reconciler'

export interface Pool {
  /** A random process of the role. */
  readonly pick: (role: Role) => Running
  /** Sends a request to a process. Resolves to the response, to undefined on failure, and never if the process died. */
  readonly serve: <T>(process: Running, title: string, work: (ports: PoPorts) => Promise<T>) => Promise<T | undefined>
}

export interface PoolDeps {
  readonly random: Random
  readonly trace: Trace
  readonly broken: Break
  readonly portsOf: (process: Process) => PoPorts
}

const SIZES: Readonly<Record<Role, number>> = { api: 3, reconciler: 2 }

export function createPool({ random, trace, broken, portsOf }: PoolDeps): Pool {
  const present = new Map<string, Running>()
  let born = 0

  const spawn = (slot: string): Running => {
    born += 1
    const process: Process = { name: `${slot}#${born}`, isAlive: true }
    return Object.assign(process, { ports: portsOf(process), cache: createLoopCache(), soon: deliverSoon() })
  }

  const failed = (process: Process, title: string, error: unknown): undefined => {
    trace.note(process.name, `${title}: fails`, () => error)
    if (!(error instanceof Fault) || error.code === 'unexpected')
      broken('no defect', String((error as Error)?.stack ?? error))
    return undefined
  }

  return {
    pick: (role) => {
      const slot = `${role}-${random.whole(1, SIZES[role])}`
      const known = present.get(slot)
      if (known?.isAlive) return known
      const fresh = spawn(slot)
      present.set(slot, fresh)
      return fresh
    },
    serve: async (process, title, work) => {
      trace.note(process.name, `${title}: begins`)
      try {
        const answer = await work(process.ports)
        trace.note(process.name, `${title}: answers`, () => answer)
        return answer
      } catch (error) {
        return failed(process, title, error)
      }
    },
  }
}

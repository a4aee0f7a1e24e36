/**
 * Processes and the gate that each of their calls passes. A call is sent, has its effect in one step, and its response is sent
 * back; other steps may happen in between. A call may fail before or after its effect, have its effect late, or be the last of
 * its process: a killed process never continues, as after `kill -9`.
 */
import { Fault } from '../../../shared/platform/fault.ts'
import type { Part, Trouble } from './plan.ts'
import type { Stage } from './stage.ts'

export interface Process {
  readonly name: string
  isAlive: boolean
}

export interface GateOptions extends Stage {
  /** A call fails or is late. */
  readonly disturbed: (name: string, args: readonly unknown[]) => void
  /** The response or error of a call arrives. */
  readonly arrived: (name: string, args: readonly unknown[], isGood: boolean) => void
}

/** A call of a port: its part, name and arguments, and the step of its effect. */
export interface Call<T> {
  readonly part: Part
  readonly name: string
  readonly args: readonly unknown[]
  readonly act: () => Promise<T>
}

export interface Gate {
  readonly pass: <T>(process: Process, call: Call<T>) => Promise<T>
  readonly kill: (process: Process) => void
}

type Fate = 'good' | keyof Trouble | 'killed before' | 'killed after'

const READS = /\.(find|list|pods|log|peers)$/
const NEVER = new Promise<never>(() => undefined)
/** Time limits of calls are shorter than half a minute; a late effect follows soon after. */
const DEADLINE_MS = 5000
const LATE_MS = 8000

export function createGate({ timeline, random, trace, plan, isBusy, disturbed, arrived }: GateOptions): Gate {
  const isAway = ({ part, name }: Pick<Call<unknown>, 'part' | 'name'>): boolean => {
    const share = timeline.elapsed() / plan.busyMs
    return plan.outages.some(
      (outage) =>
        outage.part === part && outage.from <= share && share < outage.to && !(outage.onlyWrites && READS.test(name)),
    )
  }

  const fateOf = (call: Pick<Call<unknown>, 'part' | 'name'>): Fate => {
    if (!isBusy()) return 'good'
    if (isAway(call)) return 'fails'
    if (plan.kills > 0 && random.chance(plan.kills)) return random.pick(['killed before', 'killed after'])
    const { fails, lost, late, slow } = plan.troubles[call.part]
    const good = Math.max(0, 1 - fails - lost - late - slow)
    return good === 1 ? 'good' : random.weighted({ good, fails, lost, late, slow })
  }

  const travel = (): number => random.skewed(1, isBusy() ? plan.slowest : 20)

  const kill = (process: Process): void => {
    if (process.isAlive) trace.note(process.name, 'is killed')
    process.isAlive = false
  }

  const pass = <T>(process: Process, { part, name, args, act }: Call<T>): Promise<T> => {
    if (!process.isAlive) return NEVER
    const fate = fateOf({ part, name })
    if (fate !== 'good') disturbed(name, args)
    const { promise, resolve, reject } = Promise.withResolvers<T>()

    /** Sends the response, which is lost if the process has died meanwhile. */
    const answer = (ms: number, give: () => void) => timeline.after(ms, () => void (process.isAlive && give()))
    const giveUp = (): void => {
      trace.note(process.name, `${name} hears nothing`, () => args)
      reject(new Fault('unavailable', `${part} is away`, { mayArrive: fate !== 'fails' }))
    }
    /** The step of the call's effect, and its response. */
    const effect = async (heard: (give: () => void) => void): Promise<void> => {
      const [settled] = await Promise.allSettled([act()])
      const isGood = settled.status === 'fulfilled'
      trace.note(process.name, `${name} ${fate}`, () => [args, isGood ? settled.value : settled.reason])
      heard(() => {
        arrived(name, args, isGood)
        if (isGood) resolve(settled.value)
        else reject(settled.reason)
      })
    }
    const heardSoon = (give: () => void) => answer(travel(), give)

    const courses: Readonly<Record<Fate, () => void>> = {
      good: () => timeline.after(travel(), () => effect(heardSoon)),
      slow: () => timeline.after(random.whole(500, DEADLINE_MS), () => effect(heardSoon)),
      fails: () => answer(random.skewed(1, DEADLINE_MS), giveUp),
      lost: () => timeline.after(travel(), () => effect(() => answer(travel(), giveUp))),
      late: () => {
        answer(DEADLINE_MS, giveUp)
        timeline.after(DEADLINE_MS + random.whole(1, LATE_MS), () => effect(() => undefined))
      },
      'killed before': () => timeline.after(travel(), () => kill(process)),
      'killed after': () => timeline.after(travel(), () => effect(() => kill(process))),
    }
    courses[fate]()
    return promise
  }

  return { pass, kill }
}

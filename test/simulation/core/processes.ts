/**
 * Processes and the gate that each of their calls passes. A call travels, has its effect in one step, and its answer
 * travels back; between the two anything may happen elsewhere. On the way it may fail before or after its effect, take it
 * late, or be the last that its process makes: a killed process never goes on, as after `kill -9`.
 */
import { Fault } from '../../../shared/fault.ts'
import type { Part, Trouble } from './plan.ts'
import type { Stage } from './stage.ts'

export interface Process {
  readonly name: string
  isAlive: boolean
}

export interface GateOptions extends Stage {
  /** A call to this part does not go as it should. */
  readonly disturbed: (part: Part, args: readonly unknown[]) => void
}

/** A call of a port: what it is to, what it says, and the one step that is its effect. */
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

const NEVER = new Promise<never>(() => undefined)
/** Deadlines of calls are shorter than half a minute; a late effect comes soon after. */
const DEADLINE_MS = 5000
const LATE_MS = 8000

export function createGate({ timeline, random, trace, plan, isBusy, disturbed }: GateOptions): Gate {
  const isAway = (part: Part): boolean => {
    const share = timeline.elapsed() / plan.busyMs
    return plan.outages.some((outage) => outage.part === part && outage.from <= share && share < outage.to)
  }

  const fateOf = (part: Part): Fate => {
    if (!isBusy()) return 'good'
    if (isAway(part)) return 'fails'
    if (plan.kills > 0 && random.chance(plan.kills)) return random.pick(['killed before', 'killed after'])
    const { fails, lost, late, slow } = plan.troubles[part]
    const good = Math.max(0, 1 - fails - lost - late - slow)
    return good === 1 ? 'good' : random.weighted({ good, fails, lost, late, slow })
  }

  const travel = (): number => random.skewed(1, isBusy() ? plan.slowest : 20)

  /** The answer travels, and finds nobody when the process has died meanwhile. */
  const answer = (process: Process, ms: number, give: () => void) =>
    timeline.after(ms, () => void (process.isAlive && give()))

  const kill = (process: Process): void => {
    if (process.isAlive) trace.note(process.name, 'is killed')
    process.isAlive = false
  }

  /** The effect and, if the process is to hear of it, its answer. */
  const carryOut = async <T>(process: Process, { name, args, act }: Call<T>, fate: Fate, settle: Settle<T>) => {
    const [settled] = await Promise.allSettled([act()])
    const outcome = settled.status === 'fulfilled' ? settled.value : settled.reason
    trace.note(process.name, `${name} ${fate}`, () => [args, outcome])
    if (fate === 'killed after') kill(process)
    else if (fate === 'lost') answer(process, travel(), settle.away)
    else if (fate === 'late') return
    else
      answer(process, travel(), () =>
        settled.status === 'fulfilled' ? settle.good(settled.value) : settle.bad(outcome),
      )
  }

  const pass = <T>(process: Process, call: Call<T>): Promise<T> => {
    if (!process.isAlive) return NEVER
    const { part, name, args } = call
    const fate = fateOf(part)
    if (fate !== 'good') disturbed(part, args)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const away = () => {
      trace.note(process.name, `${name} fails`, () => args)
      reject(new Fault('unavailable', `${part} is away`))
    }
    const effect = () => carryOut(process, call, fate, { good: resolve, bad: reject, away })
    if (fate === 'fails') answer(process, random.skewed(1, DEADLINE_MS), away)
    else if (fate === 'killed before') timeline.after(travel(), () => kill(process))
    else if (fate === 'slow') timeline.after(random.whole(500, DEADLINE_MS), effect)
    else if (fate === 'late') {
      answer(process, DEADLINE_MS, away)
      timeline.after(DEADLINE_MS + random.whole(1, LATE_MS), effect)
    } else timeline.after(travel(), effect)
    return promise
  }

  return { pass, kill }
}

interface Settle<T> {
  readonly good: (value: T) => void
  readonly bad: (reason: unknown) => void
  readonly away: () => void
}

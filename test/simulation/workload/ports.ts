/** The ports of a process: every call passes the gate, and outgoing data is checked. */
import { Fault } from '../../../shared/platform/fault.ts'
import type { LogLevel } from '../../../shared/platform/ports.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import type { Part } from '../core/plan.ts'
import type { Gate, Process } from '../core/processes.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import type { Trace } from '../core/trace.ts'
import type { Break, Watch } from '../invariants/watch.ts'
import { brokerOver } from '../world/broker.ts'
import type { IdentityModel, Request } from '../world/identity.ts'

export interface PortDeps {
  readonly gate: Gate
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: Trace
  readonly watch: Watch
  readonly broken: Break
  /** The parts behind the gate. */
  readonly behind: Pick<PoPorts, 'store' | 'cluster' | 'hub' | 'analysisApi' | 'sink' | 'settings'>
  readonly identity: IdentityModel
  /** Whether broker and sink refuse the current request. */
  readonly refuses: () => boolean
}

/** Parts from which a secret may never be read. */
const OPEN: readonly Part[] = ['store', 'hub', 'broker', 'sink']

const isDefect = (error: unknown): boolean =>
  error !== undefined && (!(error instanceof Fault) || error.code === 'unexpected')

export function portsOf(process: Process, deps: PortDeps): PoPorts {
  const { gate, timeline, random, trace, watch, behind } = deps

  const through = <P extends object>(part: Part, port: P): P => {
    const wrapped = Object.entries(port).map(([name, member]: [string, unknown]) => {
      if (typeof member !== 'function') return [name, member]
      return [
        name,
        (...args: unknown[]) => {
          if (OPEN.includes(part)) watch.left(`${part}.${name}`, args)
          return gate.pass(process, { part, name: `${part}.${name}`, args, act: () => member.apply(port, args) })
        },
      ]
    })
    return Object.fromEntries(wrapped) as P
  }

  const log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    trace.saw(event)
    if (event === 'verdict') trace.saw(`verdict ${fields['action']}`)
    trace.note(process.name, `says ${level}: ${event}`, () => fields)
    const error = fields['error']
    watch.left('log', { ...fields, error: error instanceof Error ? `${error.message} ${error.stack}` : error })
    if (isDefect(error)) deps.broken('no defect', error)
  }

  const request =
    (part: Part): Request =>
    (name, args, act) =>
      gate.pass(process, { part, name: `${part}.${name}`, args, act })

  return {
    store: through('store', behind.store),
    cluster: through('cluster', behind.cluster),
    hub: through('hub', behind.hub),
    analysisApi: through('analysisApi', behind.analysisApi),
    sink: behind.sink && through('sink', behind.sink),
    identity: deps.identity.identityOver(request('identity')),
    broker: brokerOver(request('broker'), deps.refuses),
    sign: async (document) => {
      watch.left('archive', document)
      return null
    },
    makeRecord: async (facts) => {
      watch.left('record', facts)
      return { payloadType: 'facts', payload: '', signatures: [] }
    },
    log,
    now: timeline.now,
    random: random.next,
    sleep: (ms) => new Promise((resolve) => timeline.after(ms, () => void (process.isAlive && resolve()))),
    settings: behind.settings,
  }
}

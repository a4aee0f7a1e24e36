/**
 * Ports whose every call passes through a gate, which may count it, fail it, or never let it return. Requests to Keycloak
 * pass one by one, since one call of the port is several of them.
 */
import { createSend, type Send } from '../../../shared/platform/http-client.ts'
import { isUuid } from '../../../shared/po/model.ts'
import type { AdoptPorts } from '../../../shared/po/ports/adopt.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'

/** The last three are there only where a test has them. */
const GATED_PORTS = [
  'store',
  'cluster',
  'broker',
  'hub',
  'analysisApi',
  'sink',
  'predecessor',
  'intake',
  'takeover',
] as const satisfies readonly (keyof PoPorts | keyof AdoptPorts)[]
type GatedPort = (typeof GATED_PORTS)[number]

/** Port, method and what it concerns, as `cluster.apply Deployment`; to Keycloak the request, as `keycloak.POST token`. */
export type CallName = `${GatedPort | 'keycloak'}.${string}`

export type Gate = <T>(name: CallName, act: () => Promise<T>) => Promise<T>

/** What a call concerns, whichever analysis it is for. */
const CONCERNS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  'cluster.apply': ([object]) => (object as { kind: string }).kind,
  'cluster.find': ([kind]) => kind,
  'cluster.list': ([kind]) => kind,
  'cluster.remove': ([kind]) => kind,
  'store.transition': ([, , to]) => to,
  'takeover.mark': ([kind]) => kind,
  'hub.updateStatus': ([, status]) => status,
  'sink.emit': ([event]) => (event as { type: string }).type.split('.').at(-1),
}

function callName(port: GatedPort, method: string, args: readonly unknown[]): CallName {
  const concern = CONCERNS[`${port}.${method}`]?.(args)
  return `${port}.${method}${concern === undefined ? '' : ` ${concern}`}`
}

function through<P extends object>(name: GatedPort, port: P, gate: Gate): P {
  return new Proxy(port, {
    get(target, method, receiver) {
      const member = Reflect.get(target, method, receiver)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => gate(callName(name, String(method), args), () => member.apply(target, args))
    },
  })
}

/** `GET clients`, `POST token`, `DELETE client`: what is asked for, whomever it concerns. */
const keycloakCall = ({ method, url }: Parameters<Send>[0]): CallName => {
  const last = new URL(url).pathname.split('/').at(-1) ?? ''
  return `keycloak.${method} ${isUuid(last) ? 'client' : last}`
}

/** The same ports, as a process of its own would have them: it shares no login to Keycloak with others. */
export function gated<P extends PoPorts>(ports: P, identityOver: (send: Send) => PoPorts['identity'], gate: Gate): P {
  const all: PoPorts & Partial<AdoptPorts> = ports
  const wrapped = GATED_PORTS.flatMap((name) => {
    const port = all[name]
    return port ? [[name, through(name, port, gate)] as const] : []
  })
  const send = createSend()
  const identity = identityOver((...request) => gate(keycloakCall(request[0]), () => send(...request)))
  return { ...ports, ...Object.fromEntries(wrapped), identity }
}

/** Which call is the last one: its number, counted from 0, or the first at which this is true of all calls so far. */
export type Last = number | ((calls: readonly CallName[]) => boolean)

/** A process that dies once its last call has had its effect: none of its calls returns any more, and it makes no other. */
export interface Doomed<P extends PoPorts = PoPorts> {
  readonly ports: P
  /** The calls that it made. */
  readonly calls: readonly CallName[]
  /** Resolves when it is dead and nothing that it had begun is still under way. */
  readonly dead: Promise<void>
}

const NEVER = new Promise<never>(() => {})

export function doomed<P extends PoPorts>(
  ports: P,
  identityOver: (send: Send) => PoPorts['identity'],
  last: Last,
): Doomed<P> {
  const calls: CallName[] = []
  const death = Promise.withResolvers<void>()
  const isLast = typeof last === 'number' ? () => calls.length > last : () => last(calls)
  let hasBegunLast = false
  let dying = false
  let underWay = 0

  const gate: Gate = async (name, act) => {
    if (hasBegunLast) return NEVER
    calls.push(name)
    const deadly = isLast()
    hasBegunLast = deadly
    underWay += 1
    const [result] = await Promise.allSettled([act()])
    underWay -= 1
    dying ||= deadly
    if (!dying) return settled(result)
    if (underWay === 0) death.resolve()
    return NEVER
  }
  return { ports: gated(ports, identityOver, gate), calls, dead: death.promise }
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

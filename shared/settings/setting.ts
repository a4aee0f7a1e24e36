/** Kinds of settings: how the text of a variable becomes a value, or what was expected instead. */
import { closedAround, parseBlock } from '../platform/cidr.ts'
import type { DnsPeer } from '../platform/dns-egress.ts'
import type { IsolationTarget } from '../platform/isolation.ts'
import { parseRegistry } from '../platform/registry.ts'
import type { SettingGroup } from '../routes/index.ts'

type Group = SettingGroup | 'process'

export interface Setting<T> {
  readonly group: Group
  readonly default: string | undefined
  readonly effect: string
  readonly secret: boolean
  readonly parse: (text: string) => T | Expected
}

/** What was expected instead; the value itself is never named. */
export class Expected {
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

interface Shape {
  readonly effect: string
  /** Undefined: the setting is required. An empty text is a value. */
  readonly default?: string
  readonly secret?: boolean
}

type Ungrouped<T> = Omit<Setting<T>, 'group'>

/** Settings that the same functions read. */
export const inGroup = <Table extends Readonly<Record<string, Ungrouped<unknown>>>>(group: Group, table: Table) =>
  Object.fromEntries(Object.entries(table).map(([name, setting]) => [name, { group, ...setting }])) as {
    readonly [Name in keyof Table]: Table[Name] extends Ungrouped<infer T> ? Setting<T> : never
  }

const setting = <T>(shape: Shape, parse: (text: string) => T | Expected): Ungrouped<T> => ({
  effect: shape.effect,
  default: shape.default,
  secret: shape.secret ?? false,
  parse,
})

export const required = new Expected('a value')
export const text = (shape: Shape) =>
  setting<string>(shape, (value) => (value === '' && shape.default === undefined ? required : value))
export const boolean = (shape: Shape) =>
  setting<boolean>(shape, (value) => {
    const word = value.toLowerCase()
    if (['true', '1', 'yes', 'on'].includes(word)) return true
    if (['false', '0', 'no', 'off', ''].includes(word)) return false
    return new Expected('true or false')
  })
export const whole = (shape: Shape & { readonly range: readonly [min: number, max: number] }) =>
  setting<number>(shape, (value) => {
    const [min, max] = shape.range
    return /^[0-9]+$/.test(value) && Number(value) >= min && Number(value) <= max
      ? Number(value)
      : new Expected(`a whole number from ${min} to ${max}`)
  })
export const mongo = (shape: Shape) =>
  setting<string>(shape, (value) =>
    /^mongodb(\+srv)?:\/\/\S+$/.test(value) ? value : new Expected('a mongodb:// or mongodb+srv:// URL'),
  )
/** Without a regular expression: one that matches only at the end takes quadratic time for a long run of slashes. */
function withoutSlashes(value: string): string {
  let end = value.length
  while (value[end - 1] === '/') end -= 1
  return value.slice(0, end)
}
export const url = (shape: Shape) =>
  setting<string>(shape, (value) => {
    if (value === '' && shape.default === '') return ''
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    const ok = parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:')
    if (!ok || parsed.username || parsed.password) return new Expected('an http:// or https:// URL without a login')
    return withoutSlashes(value)
  })
/** A registry of images, with or without a scheme and a path. */
export const registry = (shape: Shape) =>
  setting<string>(shape, (value) => {
    if (value === '' && shape.default === '') return ''
    const address = parseRegistry(value)
    return address && !address.hasLogin
      ? value
      : new Expected('a registry such as https://harbor.example, without a login')
  })
export const oneOf = <const T extends string>(shape: Shape & { readonly words: readonly T[] }) =>
  setting<T>(shape, (value) => shape.words.find((word) => word === value) ?? new Expected(shape.words.join(' or ')))
const entriesOf = (value: string): string[] =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
/** Comma-separated texts. */
export const list = (shape: Shape) => setting<readonly string[]>(shape, entriesOf)
/** A segment of a path. */
export const word = (shape: Shape) =>
  setting<string>(shape, (value) => (/^[A-Za-z0-9._-]+$/.test(value) ? value : new Expected('letters and digits')))
const KEY_LENGTH = 32
/** Comma-separated secrets; the first one is used for new tokens. */
export const keys = (shape: Shape) =>
  setting<readonly string[]>(shape, (value) => {
    const all = value.split(',').map((each) => each.trim())
    return all.every((each) => each.length >= KEY_LENGTH)
      ? all
      : new Expected(`one or more random texts of at least ${KEY_LENGTH} characters, separated by commas`)
  })
export const quantity = (shape: Shape) =>
  setting<string>(shape, (value) =>
    value === '' || /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.test(value)
      ? value
      : new Expected('a Kubernetes quantity such as 500m or 2Gi'),
  )

/** Names of CloudEvents attributes, which are lower-case letters and digits, and their texts. */
type Extensions = Readonly<Record<string, string>>

function extensionsOf(json: string): Extensions | undefined {
  try {
    const { extensions = {} } = JSON.parse(json) as { extensions?: unknown }
    const entries = Object.entries(extensions as object)
    const ok = entries.every(([name, value]) => /^[a-z0-9]{1,20}$/.test(name) && typeof value === 'string')
    return ok ? (Object.fromEntries(entries) as Extensions) : undefined
  } catch {
    return undefined
  }
}
export const overrides = (shape: Shape) =>
  setting<Extensions>(shape, (value) =>
    value === ''
      ? {}
      : (extensionsOf(value) ?? new Expected('JSON such as {"extensions":{"name":"value"}}, names of [a-z0-9]')),
  )

/** Pods by their labels, or addresses, and a port. */
interface Destination<Pods> {
  readonly to: Pods | { readonly cidr: string }
  readonly port: number
}
type Labelled = { readonly label: readonly [key: string, value: string] }
export type EgressRule = Destination<Labelled>

const PORT = ':(?<port>[0-9]{1,5})$'
const LABEL = `(?<key>[A-Za-z0-9][A-Za-z0-9./_-]*)=(?<value>[A-Za-z0-9][A-Za-z0-9._-]*)${PORT}`
const PODS = new RegExp(`^${LABEL}`)
const PODS_ELSEWHERE = new RegExp(`^(?<namespace>[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)/${LABEL}`)
const ADDRESSES = new RegExp(`^(?<cidr>[0-9a-fA-F.:]+/[0-9]{1,3})${PORT}`)

type Groups = Readonly<Record<string, string>>
const labelled = ({ key = '', value = '' }: Groups): Labelled => ({ label: [key, value] })

function destinationOf<Pods>(text: string, pods: RegExp, podsOf: (groups: Groups) => Pods) {
  const podGroups = pods.exec(text)?.groups
  const { cidr = '', port: digits } = podGroups ?? ADDRESSES.exec(text)?.groups ?? {}
  const port = Number(digits)
  if (!(port >= 1 && port <= 65_535)) return undefined
  if (podGroups) return { to: podsOf(podGroups), port }
  return parseBlock(cidr) ? { to: { cidr }, port } : undefined
}

/** What was expected instead of a block that lies in a closed one. */
function closedTo({ to }: EgressRule): string | undefined {
  const block = 'cidr' in to ? parseBlock(to.cidr) : undefined
  const around = block && closedAround(block)
  return around && `blocks outside of ${around}, which holds metadata, link-local or loopback addresses`
}

export const egressRules = (shape: Shape) =>
  setting<readonly EgressRule[]>(shape, (value) => {
    const found = entriesOf(value).map((entry) => destinationOf(entry, PODS, labelled))
    const rules = found.filter((rule) => rule !== undefined)
    if (rules.length < found.length) return new Expected('entries such as app=influxdb:8086 or 10.0.0.0/8:1883')
    const closed = rules.map(closedTo).find((expected) => expected !== undefined)
    return closed === undefined ? rules : new Expected(closed)
  })

/** At least one name server: under a policy without any, no pod could resolve a name. */
export const dnsPeers = (shape: Shape) =>
  setting<readonly DnsPeer[]>(shape, (value) => {
    const found = entriesOf(value).map((entry) =>
      destinationOf(entry, PODS_ELSEWHERE, ({ namespace = '', ...groups }) => ({ namespace, ...labelled(groups) })),
    )
    const peers = found.filter((peer) => peer !== undefined)
    return peers.length > 0 && peers.length === found.length
      ? peers
      : new Expected('entries such as kube-system/k8s-app=kube-dns:53 or 169.254.20.10/32:53')
  })

const TARGET = /^(?<host>[a-z0-9][a-z0-9.-]{0,252}|\[[0-9a-f:.]+\]):(?<port>[1-9]\d{0,4})$/i

/** Hosts with ports, comma-separated; may be none. */
export const targets = (shape: Shape) =>
  setting<readonly IsolationTarget[]>(shape, (value) => {
    const found = entriesOf(value).map((name) => ({
      name,
      ...(TARGET.exec(name)?.groups as { host?: string; port?: string }),
    }))
    return found.every(({ port }) => port !== undefined && Number(port) <= 65_535)
      ? found.map(({ name, host = '', port }) => ({ name, host: host.replace(/^\[|\]$/g, ''), port: Number(port) }))
      : new Expected('entries such as hub.example:443 or 192.0.2.1:443')
  })

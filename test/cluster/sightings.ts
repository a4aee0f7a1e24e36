/** Streams the log of every probe, since its pod is gone afterwards. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Api, PodObject } from './api.ts'
import type { Beacon } from './beacon.ts'
import type { Sighting } from './pods/probe.ts'

/** The target that never responds. */
export const DATAGRAMS = 'this machine by UDP'

export interface Sightings {
  /** By pod, oldest first. */
  readonly byPod: ReadonlyMap<string, readonly Sighting[]>
  /** Attempts and successes of all pods with this name prefix since `from`. */
  of(pods: string, from?: number): Summary
  stop(): Promise<void>
}

export interface Summary {
  readonly pods: number
  readonly seconds: number
  readonly tried: Readonly<Record<string, number>>
  readonly reached: Readonly<Record<string, number>>
}

function add(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
}

function summarise(perPod: readonly (readonly Sighting[])[]): Summary {
  const sum = { pods: perPod.length, seconds: 0, tried: {}, reached: {} }
  for (const { from, until, tried, reached } of perPod.flat()) {
    sum.seconds += (until - from) / 1000
    add(sum.tried, tried)
    add(sum.reached, reached)
  }
  return sum
}

/** A line for each target, with shortened ids. */
export function tableOf(columns: Readonly<Record<string, Summary>>): string {
  const names = new Set(Object.values(columns).flatMap(({ tried }) => Object.keys(tried)))
  const row = (first: string, cells: readonly string[]) =>
    [first.replace(/(?<=[0-9a-f]{8})-[0-9a-f-]{27}/, '…').padEnd(32), ...cells.map((cell) => cell.padStart(18))].join(
      '',
    )
  const lines = [...names].map((name) =>
    row(
      name,
      Object.values(columns).map(({ tried, reached }) => `${reached[name] ?? 0} of ${tried[name] ?? 0}`),
    ),
  )
  return [row('reached', Object.keys(columns)), ...lines].join('\n')
}

const isRunning = ({ status }: PodObject): boolean =>
  status.containerStatuses?.some(({ state }) => state['running'] !== undefined) ?? false

/** @param datagrams when those of a pod to `DATAGRAMS` arrived, which the pod itself cannot know */
export function readAlong(api: Api, image: string, datagrams: Beacon['datagrams']): Sightings {
  const ending = new AbortController()
  const { signal } = ending
  const byPod = new Map<string, Sighting[]>()
  const reading: Promise<void>[] = []

  const read = (pod: string) => {
    const sightings: Sighting[] = []
    byPod.set(pod, sightings)
    const onLine = (line: string) => {
      if (line.startsWith('{"from":')) sightings.push(JSON.parse(line) as Sighting)
    }
    // A pod may be gone before its log is opened; the beacon still records it.
    return api.follow(pod, signal, onLine).catch(() => {})
  }

  const look = async () => {
    while (!signal.aborted) {
      const pods = await api.pods('').catch(() => [])
      const fresh = pods.filter((pod) => pod.spec.containers[0]?.image === image && isRunning(pod))
      for (const { metadata } of fresh) if (!byPod.has(metadata.name)) reading.push(read(metadata.name))
      await sleep(100)
    }
  }
  const looking = look()

  return {
    byPod,
    of(pods, from = 0) {
      const named = [...byPod].filter(([name]) => name.startsWith(pods))
      const sum = summarise(named.map(([, all]) => all.filter((sighting) => sighting.from >= from)))
      const arrived = named.flatMap(([name]) => datagrams.get(name) ?? []).filter((time) => time >= from).length
      return arrived === 0 ? sum : { ...sum, reached: { ...sum.reached, [DATAGRAMS]: arrived } }
    },
    async stop() {
      ending.abort()
      await Promise.all([looking, ...reading])
    },
  }
}

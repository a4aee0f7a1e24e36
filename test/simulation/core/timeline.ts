/** The clock and the queue of planned steps. Steps of the same time happen in the order of planning. */

export type Act = () => void | Promise<void>

export interface Timeline {
  readonly now: () => Date
  /** Milliseconds since the start. */
  readonly elapsed: () => number
  /** Plans `act` for `ms` milliseconds from now. */
  readonly after: (ms: number, act: Act) => void
  /** Advances the clock to the next step and returns it; undefined if there is none. */
  readonly next: () => Act | undefined
}

interface Planned {
  readonly at: number
  readonly order: number
  readonly act: Act
}

const BEGINNING = Date.parse('2026-03-02T06:00:00Z')

const isBefore = (one: Planned, other: Planned): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order)

/** A binary heap: each node comes before its two children. */
function createHeap() {
  const nodes: Planned[] = []
  const before = (one: number, other: number): boolean => {
    const [a, b] = [nodes[one], nodes[other]]
    return a !== undefined && (b === undefined || isBefore(a, b))
  }
  const swap = (one: number, other: number) => {
    const [a, b] = [nodes[one], nodes[other]]
    if (a && b) [nodes[one], nodes[other]] = [b, a]
  }
  return {
    add(planned: Planned) {
      nodes.push(planned)
      for (let at = nodes.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (!before(at, parent)) break
        swap(at, parent)
        at = parent
      }
    },
    take(): Planned | undefined {
      const [first] = nodes
      const last = nodes.pop()
      if (nodes.length === 0 || !last) return first
      nodes[0] = last
      for (let at = 0; ; ) {
        const child = before(2 * at + 2, 2 * at + 1) ? 2 * at + 2 : 2 * at + 1
        if (!before(child, at)) return first
        swap(at, child)
        at = child
      }
    },
  }
}

export function createTimeline(): Timeline {
  const heap = createHeap()
  let time = 0
  let order = 0
  return {
    now: () => new Date(BEGINNING + time),
    elapsed: () => time,
    after: (ms, act) => {
      order += 1
      heap.add({ at: time + Math.max(0, Math.round(ms)), order, act })
    },
    next: () => {
      const planned = heap.take()
      if (planned) time = planned.at
      return planned?.act
    },
  }
}

/** The steps as lines of text, equal for equal seeds. */
import { createHash } from 'node:crypto'
import type { Timeline } from './timeline.ts'

export interface Trace {
  readonly isOn: boolean
  /** Records a step; `detail` is called only if the trace is on. */
  readonly note: (who: string, what: string, detail?: () => unknown) => void
  readonly lines: readonly string[]
  /** Counts an event, even if the trace is off. */
  readonly saw: (what: string) => void
  readonly seen: ReadonlyMap<string, number>
  /** Of all lines. */
  readonly hash: () => string
}

const WIDEST = 240
const UUID = /([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

const plain = (_: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'function' ? '…' : sorted(value)

/** Two stores may return fields in different orders. */
const sorted = (value: unknown): unknown =>
  value === null || typeof value !== 'object' || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))

/** A value in few characters; ids by their prefix. */
export function brief(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value, plain) ?? 'nothing')).replace(UUID, '$1')
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text
}

export function createTrace(isOn: boolean, { elapsed }: Pick<Timeline, 'elapsed'>): Trace {
  const lines: string[] = []
  const seen = new Map<string, number>()
  return {
    isOn,
    note: (who, what, detail) => {
      if (!isOn) return
      const seconds = (elapsed() / 1000).toFixed(3).padStart(8)
      lines.push(`${seconds}  ${who.padEnd(16)} ${what}${detail ? ` ${brief(detail())}` : ''}`)
    },
    lines,
    saw: (what) => seen.set(what, (seen.get(what) ?? 0) + 1),
    seen,
    hash: () => createHash('sha256').update(lines.join('\n')).digest('hex'),
  }
}

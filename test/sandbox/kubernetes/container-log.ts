/** The log of one container run: its last lines in bounded memory, with timestamps, and followers. */
import { EventEmitter } from 'node:events'

export interface Line {
  readonly at: string
  /** With its newline, if it had one. */
  readonly text: Buffer
}

export interface ContainerLog {
  write(chunk: Buffer): void
  end(): void
  lines(): readonly Line[]
  /** Lines from now on; undefined once at the end. */
  follow(listener: (line: Line | undefined) => void): () => void
  ended(): boolean
}

export function createContainerLog(limitBytes: number): ContainerLog {
  const events = new EventEmitter().setMaxListeners(0)
  let lines: Line[] = []
  let bytes = 0
  let dropped = 0
  let partial: Buffer = Buffer.alloc(0)
  let over = false

  function push(text: Buffer): void {
    const line = { at: new Date().toISOString(), text }
    lines.push(line)
    bytes += text.length
    while (bytes > limitBytes && dropped < lines.length - 1) bytes -= lines[dropped++]?.text.length ?? 0
    if (dropped > 4096) {
      lines = lines.slice(dropped)
      dropped = 0
    }
    events.emit('line', line)
  }

  return {
    write(chunk) {
      let rest = partial.length > 0 ? Buffer.concat([partial, chunk]) : chunk
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
        push(rest.subarray(0, at + 1))
        rest = rest.subarray(at + 1)
      }
      partial = rest
      // A runtime cuts lines of this length, too.
      if (partial.length >= 16_384) {
        push(partial)
        partial = Buffer.alloc(0)
      }
    },
    end() {
      if (over) return
      over = true
      if (partial.length > 0) push(partial)
      events.emit('line', undefined)
    },
    lines: () =>
      partial.length > 0 && !over
        ? [...lines.slice(dropped), { at: new Date().toISOString(), text: partial }]
        : lines.slice(dropped),
    follow(listener) {
      events.on('line', listener)
      return () => events.off('line', listener)
    },
    ended: () => over,
  }
}

/** Shared by controllers: a work queue, names, owners. */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { KubeObject, OwnerRef } from './objects.ts'

export interface Queue {
  /** Looked at soon; once, however often it was added meanwhile. */
  add(uid: string): void
  /** Added after this time. */
  later(uid: string, ms: number): void
  stop(): void
}

/** Queues of this process with work. */
const busy = new Set<object>()

/** Resolves when all controllers of this process are idle; it does not wait for processes of pods. */
export async function controllersIdle(): Promise<void> {
  do await turn()
  while (busy.size > 0)
}

export function createQueue(look: (uid: string) => void): Queue {
  const uids = new Set<string>()
  const timers = new Set<NodeJS.Timeout>()
  let scheduled: NodeJS.Immediate | undefined
  let stopped = false
  const self = {}

  function add(uid: string): void {
    if (stopped) return
    uids.add(uid)
    busy.add(self)
    scheduled ??= setImmediate(() => {
      scheduled = undefined
      const batch = [...uids]
      uids.clear()
      for (const one of batch) look(one)
      if (uids.size === 0) busy.delete(self)
    })
  }

  return {
    add,
    later(uid, ms) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        add(uid)
      }, ms)
      timers.add(timer)
    },
    stop() {
      stopped = true
      busy.delete(self)
      clearImmediate(scheduled)
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

export const controllerRef = ({ apiVersion, kind, metadata }: KubeObject): OwnerRef => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})

/** Without vowels, so that no words come out. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

export const lettersOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('')
export const randomName = (length: number): string => lettersOf(randomBytes(length))

/** What both systems need from the world, and what adapters owe them. Each system's own ports build on these. */

// ------------------------------------------------------------------------------------------ Kubernetes objects

/** A Kubernetes object as it is applied; everything the builders need to say. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly OwnerReference[]
  }
  readonly [field: string]: unknown
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller: boolean
  readonly blockOwnerDeletion: boolean
}

// ------------------------------------------------------------------------------------------------------ events

/** A CloudEvent as it is sent; its data is JSON. */
export interface OutgoingEvent {
  readonly id: string
  readonly type: string
  readonly source: string
  /** Id of the analysis or service. Brokers that keep an order keep it by this value (extension `partitionkey`). */
  readonly subject: string
  readonly time: Date
  readonly data: Readonly<Record<string, unknown>>
}

/** Where CloudEvents go: a broker or any other addressable. */
export interface Sink {
  /** Resolves when the other side has accepted the event. */
  emit(event: OutgoingEvent): Promise<void>
}

/** An entry of an outbox, claimed. */
export interface Pending {
  readonly seq: string
  /** Attempts before this one. */
  readonly attempts: number
  /** Attempts that began since the last one that ended, this one included. */
  readonly unfinished: number
}

// ------------------------------------------------------------------------------------------------- status loops

export interface LoopState {
  readonly completedSlot: number | null
  readonly completedAt: Date | null
  /** When the loop was first asked for. */
  readonly installedAt: Date
}

/** The slots of a loop: intervals of time, counted from 1970. */
export interface LoopStore {
  /** Takes a slot if it is later than every slot taken; of any number of callers at the same time, one gets it. */
  takeSlot(slot: number, now: Date): Promise<boolean>
  /** Gives a slot back whose sweep could not begin. Does nothing when a later one was taken. */
  giveBackSlot(slot: number): Promise<void>
  completeSlot(slot: number, at: Date): Promise<void>
  loopState(now: Date): Promise<LoopState>
}

// --------------------------------------------------------------------------------------------------------- log

export type LogLevel = 'debug' | 'info' | 'action' | 'loop' | 'warn' | 'error'
/** One event: its name and its fields. Never a sentence with values in it, never a secret. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void

// ------------------------------------------------------------------------------------------------------- bytes

export type Bytes = AsyncIterable<Uint8Array>

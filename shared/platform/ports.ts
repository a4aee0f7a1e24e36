/** Ports of both systems, and what adapters owe them. Each system's own ports build on these. */
import type { CustomObject, V1 } from './objects.ts'

// ------------------------------------------------------------------------------------------ Kubernetes objects

/** An object of any kind, as it is applied. */
export type KubernetesObject = CustomObject<string, string, Readonly<Record<string, unknown>>>

export type OwnerReference = Required<V1<'OwnerReference'>>

// ------------------------------------------------------------------------------------------------------ events

/** A CloudEvent as it is sent; its data is JSON. */
export interface OutgoingEvent {
  readonly id: string
  readonly type: string
  readonly source: string
  /** Id of the analysis or service. Brokers that keep an order use this value (extension `partitionkey`). */
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
  /** When the state was first read. */
  readonly installedAt: Date
}

/** The slots of a loop: intervals of time, counted from 1970. */
export interface LoopStore {
  /** Takes a slot if it is later than every slot taken. One of any number of concurrent callers succeeds. */
  takeSlot(slot: number, now: Date): Promise<boolean>
  /** Gives back a slot whose sweep failed. Does nothing when a later one was taken. */
  giveBackSlot(slot: number): Promise<void>
  completeSlot(slot: number, at: Date): Promise<void>
  loopState(now: Date): Promise<LoopState>
}

// --------------------------------------------------------------------------------------------------------- log

export type LogLevel = 'debug' | 'info' | 'action' | 'loop' | 'warn' | 'error'
/** One event: its name and its fields. The name contains no values, and no field a secret. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void

// ------------------------------------------------------------------------------------------------------- bytes

export type Bytes = AsyncIterable<Uint8Array>

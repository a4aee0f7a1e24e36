/** The ports of the import from a Mongo database. */
import type { Service, ServiceId } from '../dt/model.ts'
import type { FilePorts } from '../files/ports.ts'
import type { Bytes } from '../platform/ports.ts'
import type { Document, FormerService } from './documents.ts'

/** The database of the former orchestrator. Ids are text, numbers and dates plain. Every error is a Fault. */
export interface FormerDatabase {
  /** In the order in which the orchestrator listed them. */
  services(): AsyncIterable<Document>
  files(): AsyncIterable<Document>
  /** @throws Fault when a piece is missing or doubled */
  bytes(id: string): Bytes
}

/** An ended service, with all it had. */
export interface ImportInput {
  readonly service: FormerService
  readonly phase: 'succeeded' | 'terminated'
  readonly reason: string
  readonly succeeded: number
}

export interface ImportIntake {
  /** A row with its mounts and outputs, in one step. False when the id is taken. */
  take(input: ImportInput): Promise<boolean>
}

export interface ImportPorts extends Pick<FilePorts, 'catalogue' | 'blobs' | 'newDigest' | 'now' | 'log'> {
  readonly former: FormerDatabase
  readonly intake: ImportIntake
  readonly find: (id: ServiceId) => Promise<Service | undefined>
}

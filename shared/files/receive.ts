/** Receives bytes: they are stored and hashed at the same time, under a body that no content has yet. */
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import type { Body } from './model.ts'
import type { FilePorts, Received } from './ports.ts'

/** An upload whose lease expires is abandoned; the lease is extended much more often. */
const LEASE_MS = 5 * 60_000
const EXTEND_MS = 30_000

type Deps = Pick<FilePorts, 'catalogue' | 'blobs' | 'newDigest' | 'now' | 'log'>

const leaseFrom = (now: Date): Date => new Date(now.getTime() + LEASE_MS)

/** The same bytes; extends the lease while they arrive. */
async function* keptAlive({ catalogue, now }: Deps, body: Body, source: Bytes): Bytes {
  let extendedAt = now()
  for await (const bytes of source) {
    if (now().getTime() - extendedAt.getTime() >= EXTEND_MS) {
      extendedAt = now()
      if (!(await catalogue.extend(body, leaseFrom(extendedAt))))
        throw new Fault('unavailable', 'The upload stood still for too long')
    }
    yield bytes
  }
}

async function* seen(source: Bytes, see: (bytes: Uint8Array) => void): Bytes {
  for await (const bytes of source) {
    see(bytes)
    yield bytes
  }
}

/** If this fails, garbage collection removes the bytes after the lease. */
async function discard({ catalogue, log }: Deps, body: Body): Promise<void> {
  await catalogue.discard(body).catch((error: unknown) => log('warn', 'upload not discarded', { body, error }))
}

/**
 * Stores all bytes of a source; the catalogue names them in the next step. When the source breaks off or a write fails, it
 * rejects with that reason, and what was written is removed.
 */
export async function receive(deps: Deps, source: Bytes): Promise<Received> {
  const { catalogue, blobs, newDigest, now } = deps
  const body = await catalogue.begin(leaseFrom(now()))
  try {
    const digest = newDigest()
    await blobs.put(body, seen(keptAlive(deps, body, source), digest.update))
    return { body, content: digest.end() }
  } catch (error) {
    await discard(deps, body)
    throw error
  }
}

/** Names what was received, or removes it where that fails. */
export async function named<T>(deps: Deps, { body }: Received, name: () => Promise<T>): Promise<T> {
  try {
    return await name()
  } catch (error) {
    await discard(deps, body)
    throw error
  }
}

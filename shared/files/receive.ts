/** Takes bytes in: stored while they are hashed, under a body that nobody has yet. */
import { Fault } from '../platform/fault.ts'
import type { Body } from './model.ts'
import type { Bytes, FilePorts, Received } from './ports.ts'

/** An upload that was not heard of for so long is given up; whoever sends says so much more often. */
const LEASE_MS = 5 * 60_000
const EXTEND_MS = 30_000

type Deps = Pick<FilePorts, 'catalogue' | 'blobs' | 'newDigest' | 'now' | 'log'>

const leaseFrom = (now: Date): Date => new Date(now.getTime() + LEASE_MS)

/** The same bytes; the upload is kept alive while they come. */
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

/** Failing that, tidying does it when the lease is over. */
async function discard({ catalogue, log }: Deps, body: Body): Promise<void> {
  await catalogue.discard(body).catch((error: unknown) => log('warn', 'upload not discarded', { body, error }))
}

/**
 * All bytes of a source, to be named by the catalogue in the next step. When the source ends early or a write fails, it
 * rejects with that reason, and what was written is cleared away.
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

/** Names what was received. Where that fails, it is cleared away as well. */
export async function named<T>(deps: Deps, { body }: Received, name: () => Promise<T>): Promise<T> {
  try {
    return await name()
  } catch (error) {
    await discard(deps, body)
    throw error
  }
}

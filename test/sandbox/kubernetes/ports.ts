/**
 * Loopback ports for containers. One that was given out is not given out again before it is given back. They lie below the
 * range from which systems take ports for outgoing connections: between our look and the container's, one of those
 * could take the port away.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'

const [FIRST, LAST] = [20_000, 32_000]
const ATTEMPTS = 1000
const taken = new Set<number>()

export async function freePort(random: () => number = Math.random): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = FIRST + Math.floor(random() * (LAST - FIRST))
    if (taken.has(port)) continue
    taken.add(port)
    if (await canListen(port)) return port
    taken.delete(port)
  }
  throw new Error(`no free port from ${FIRST} to ${LAST}`)
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

export const givePortBack = (port: number): void => void taken.delete(port)

/** For a restart: another process may have taken the previous port meanwhile. */
export async function anotherPort(former: number): Promise<number> {
  const port = await freePort()
  givePortBack(former)
  return port
}

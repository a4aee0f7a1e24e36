/** Loopback ports for containers. One that was given out is not given out again before it is given back. */
import { once } from 'node:events'
import { createServer } from 'node:net'

const taken = new Set<number>()

export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    await new Promise((resolve) => server.close(resolve))
    const port = typeof address === 'object' && address ? address.port : 0
    if (taken.has(port)) continue
    taken.add(port)
    return port
  }
}

export const givePortBack = (port: number): void => void taken.delete(port)

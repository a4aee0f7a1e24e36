/** A port that pods reach, in front of a server of this machine that listens on loopback only. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Door {
  readonly port: number
  stop(): Promise<void>
}

export async function openDoor(
  address: string,
  target: { readonly host: string; readonly port: number },
): Promise<Door> {
  const open = new Set<Socket>()
  const server = createServer((outside) => {
    const inside = connect(target)
    for (const [socket, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy()).on('close', () => open.delete(socket) && other.destroy())
    }
    outside.pipe(inside).pipe(outside)
  })
  server.listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

/** The same for a URL: how pods are to call it. */
export async function openDoorTo(address: string, name: string, url: string): Promise<Door & { readonly url: string }> {
  const { hostname, port, pathname, protocol } = new URL(url)
  const door = await openDoor(address, { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) })
  return { ...door, url: `${protocol}//${name}:${door.port}${pathname.replace(/\/$/, '')}` }
}

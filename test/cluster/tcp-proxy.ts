/** Forwards a port that pods can reach to a server that listens on loopback only. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  stop(): Promise<void>
}

export async function startTcpProxy(
  address: string,
  target: { readonly host: string; readonly port: number },
): Promise<TcpProxy> {
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

/** Forwards a port to the host of a URL. @returns also the URL for pods */
export async function startUrlProxy(
  address: string,
  name: string,
  url: string,
): Promise<TcpProxy & { readonly url: string }> {
  const { hostname, port, pathname, protocol } = new URL(url)
  const proxy = await startTcpProxy(address, {
    host: hostname,
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
  })
  return { ...proxy, url: `${protocol}//${name}:${proxy.port}${pathname.replace(/\/$/, '')}` }
}

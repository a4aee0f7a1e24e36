/**
 * A fixed loopback port for each Service of the sandbox, as a ClusterIP is fixed: connections are passed on to where the
 * Service leads at that moment, and cut where it leads nowhere.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Kubernetes } from './kubernetes/index.ts'

export interface ServicePorts {
  /** Local port for a port of a Service, which need not exist yet. */
  portOf(service: string, port: number): Promise<number>
  stop(): Promise<void>
}

export function createServicePorts(kubernetes: Pick<Kubernetes, 'address'>): ServicePorts {
  const servers = new Map<string, Promise<Server>>()
  const sockets = new Set<Socket>()

  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  const open = async (service: string, port: number): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const address = kubernetes.address(service, port)
      if (!address) return void client.destroy()
      splice(keep(client), keep(connect({ ...address, allowHalfOpen: true })))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  return {
    async portOf(service, port) {
      const name = `${service}:${port}`
      const server = servers.get(name) ?? open(service, port)
      servers.set(name, server)
      return ((await server).address() as AddressInfo).port
    },
    async stop() {
      for (const server of servers.values()) (await server).close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function splice(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}

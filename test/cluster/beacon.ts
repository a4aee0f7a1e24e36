/** A port of this machine that no analysis may reach. Whoever reaches it says who it is, and is remembered. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

export interface Beacon {
  /** The same number for TCP and UDP. */
  readonly port: number
  /** Names of the pods that got here, by protocol. */
  readonly seen: { readonly tcp: ReadonlySet<string>; readonly udp: ReadonlySet<string> }
  stop(): Promise<void>
}

export async function startBeacon(address: string): Promise<Beacon> {
  const seen = { tcp: new Set<string>(), udp: new Set<string>() }
  const server = createServer((socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    socket.on('error', () => {}).on('close', () => seen.tcp.add(text.trim() || String(socket.remoteAddress)))
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const datagrams = createSocket('udp4')
  datagrams.on('message', (message) => seen.udp.add(String(message).trim()))
  datagrams.bind(port, address)
  await once(datagrams, 'listening')
  return {
    port,
    seen,
    async stop() {
      datagrams.close()
      server.close()
    },
  }
}

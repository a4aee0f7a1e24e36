/** A port of this machine that no analysis may reach. It records the names that clients send. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

export interface Beacon {
  /** The same number for TCP and UDP. */
  readonly port: number
  /** Times of connections by the name of the pod. */
  readonly connections: ReadonlyMap<string, readonly number[]>
  readonly datagrams: ReadonlyMap<string, readonly number[]>
  stop(): Promise<void>
}

/** A pod that is killed during a connection sends no name: the last pod of its address within this time counts. */
const SAME_MS = 2000

export async function startBeacon(address: string): Promise<Beacon> {
  const connections = new Map<string, number[]>()
  const datagrams = new Map<string, number[]>()
  const note = (times: Map<string, number[]>, name: string) => times.set(name, [...(times.get(name) ?? []), Date.now()])
  const said = new Map<string, { readonly name: string; readonly at: number }>()
  const nameOf = (address: string, text: string): string => {
    const now = Date.now()
    if (text) said.set(address, { name: text, at: now })
    const last = said.get(address)
    return last && now - last.at < SAME_MS ? last.name : address
  }
  const server = createServer((socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    const { remoteAddress = 'unknown' } = socket
    socket.on('error', () => {}).on('close', () => note(connections, nameOf(remoteAddress, text.trim())))
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const receiver = createSocket('udp4')
  receiver.on('message', (message) => note(datagrams, String(message).trim()))
  receiver.bind(port, address)
  await once(receiver, 'listening')
  return {
    port,
    connections,
    datagrams,
    async stop() {
      receiver.close()
      server.close()
    },
  }
}

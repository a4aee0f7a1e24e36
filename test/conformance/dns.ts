/** A DNS server on loopback with given IPv4 addresses, which can change later. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface DnsStub {
  /** `address:port`. */
  readonly address: string
  readonly records: Map<string, string>
  close(): void
}

const TYPE_A = 1
const NAME_ERROR = 3

/** The name asked for, and where its question ends. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function reply(query: Buffer, records: ReadonlyMap<string, string>): Buffer {
  const { name, type, end } = readQuestion(query)
  const found = records.get(name)
  const answers = found && type === TYPE_A ? [found] : []
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8400 | (found ? 0 : NAME_ERROR), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  const body = answers.map((address) =>
    // Pointer to the name of the question; class IN; TTL 3,600 s, so only the proxy's own limit makes it query again.
    Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, ...address.split('.').map(Number)]),
  )
  return Buffer.concat([header, query.subarray(12, end), ...body])
}

export async function startDns(records: Readonly<Record<string, string>>): Promise<DnsStub> {
  const known = new Map(Object.entries(records))
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => socket.send(reply(query, known), from.port, from.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, records: known, close: () => socket.close() }
}

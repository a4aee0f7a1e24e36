/** Connections that send as many headers as allowed without ending them, and the memory of the process that serves them. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HEADER_LINE_LIMIT } from '../../shared/po/objects/nginx-http.ts'

const LINE = `X: ${'x'.repeat(HEADER_LINE_LIMIT - 8)}\r\n`
/** The fourth buffer is begun and never filled. */
const HALF_SENT = `GET /healthz HTTP/1.1\r\nHost: x\r\n${LINE.repeat(3)}X: ${'x'.repeat(HEADER_LINE_LIMIT - 1000)}`

/** MiB of memory that a process and its children use. */
export function memoryOf(pid: number): number {
  const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const own = Number(/RssAnon:\s+(\d+) kB/.exec(proc('status'))?.[1] ?? 0) / 1024
  const children = proc(`task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return children.reduce((sum, child) => sum + memoryOf(child), own)
}

/** Opens so many, and resolves when all that is taken has been taken. */
export async function sendHalf(port: number, connections: number): Promise<{ close(): void }> {
  const sockets: Socket[] = []
  for (let opened = 0; opened < connections; opened += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write(HALF_SENT)
  }
  await sleep(500)
  return {
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

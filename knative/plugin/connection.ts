/** The way to the API: an address that was given, or a port that kubectl forwards for the time of the command. */
import type { Input } from './input.ts'
import { type Forward, forward } from './kubectl.ts'

export interface NodeConnection {
  /** Base URL, without a slash at its end. */
  url(): Promise<string>
  close(): void
}

const GATEWAY = { to: 'service/po-service', port: 8000 } as const

export const fixed = (url: string): NodeConnection => ({ url: async () => url, close: () => {} })

/** A way that broke off is opened again by whoever asks for it next. */
export function reopened(open: () => Promise<Forward>): NodeConnection {
  let current: Forward | undefined
  return {
    async url() {
      if (!current?.isOpen()) current = await open()
      return current.url
    },
    close: () => current?.close(),
  }
}

export const toGateway = ({ url, cluster }: Input): NodeConnection =>
  url === undefined ? reopened(() => forward(cluster, GATEWAY.to, GATEWAY.port)) : fixed(url)

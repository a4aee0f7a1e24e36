/** Connection to the API: the URL of the options, or a port that kubectl forwards while the command runs. */
import type { Input } from './input.ts'
import { type Forward, forward } from './kubectl.ts'

export interface NodeConnection {
  /** Base URL without a trailing slash. */
  url(): Promise<string>
  close(): void
}

const GATEWAY = { to: 'service/po-service', port: 8000 } as const

export const fixedConnection = (url: string): NodeConnection => ({ url: async () => url, close: () => {} })

/** Opens a broken port-forward again on the next call of `url`. */
export function reconnecting(open: () => Promise<Forward>): NodeConnection {
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
  url === undefined ? reconnecting(() => forward(cluster, GATEWAY.to, GATEWAY.port)) : fixedConnection(url)

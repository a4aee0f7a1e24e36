/**
 * Replaces the placeholders of the gateway's nginx.conf by values that only the pod knows: the address of its name server
 * (`names.ts`), the cluster's domain, and whether to listen on IPv6. Runs before nginx as
 * `node configure.ts TEMPLATE RESULT [RESOLV_CONF]`; it may import only Node's modules.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const [template = '', result = '', resolvConf = '/etc/resolv.conf'] = process.argv.slice(2)
const resolv = readFileSync(resolvConf, 'utf8')
const nameserver = /^nameserver\s+([0-9A-Fa-f.:]+)/m.exec(resolv)?.[1]
// A pod's first search domain is `{namespace}.svc.{cluster domain}`.
const suffix = /^search\s(?:.*\s)?([a-z0-9-]+\.svc\.[a-z0-9.-]+?)\.?(?:\s|$)/m.exec(resolv)?.[1]
if (!nameserver || !suffix)
  throw new Error(`${resolvConf} is not that of a pod of a cluster: no nameserver, or no search`)

const v6 = nameserver.includes(':')
/** Listens on both families where the cluster has IPv6. */
const listen = (port: number): string => (v6 ? `[::]:${port} ipv6only=off` : String(port))
const values: Readonly<Record<string, string>> = {
  '@RESOLVER@': '127.0.0.1:5353',
  '@SUFFIX@': suffix,
  '@8080@': listen(8080),
  '@8081@': listen(8081),
}
writeFileSync(
  result,
  readFileSync(template, 'utf8').replace(/@[A-Z0-9]+@/g, (placeholder) => values[placeholder] ?? placeholder),
)

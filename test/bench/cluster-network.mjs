// Loaded into a function before it: what name service and service network of a cluster do. The proxy of the run whose id
// ends with the number n is at a loopback address of its own, port ANALYSES_PORT. The function itself is the one of
// production, and reaches analyses as it does there.
import { Socket } from 'node:net'

const PROXY = /^nginx-analysis-[0-9a-f-]{24}([0-9a-f]{12})-\d+\..*\.svc\./
const port = Number(process.env['ANALYSES_PORT'])
const connect = Socket.prototype.connect

Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]
  const n = Number.parseInt(PROXY.exec(options?.host)?.[1], 16)
  if (n) Object.assign(options, { host: `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, port })
  return connect.apply(this, args)
}

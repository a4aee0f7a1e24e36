// Loaded into a function before it: what name service and service network of a cluster do. The proxy of the run whose id
// ends with the number n is at a loopback address of its own, port ANALYSES_PORT. The function itself is the one of
// production, and reaches analyses as it does there.
import { Socket } from 'node:net'

const PROXY = /^nginx-analysis-[0-9a-f-]{24}([0-9a-f]{12})-\d+\..*\.svc\./
const port = Number(process.env['ANALYSES_PORT'])
const connect = Socket.prototype.connect

/** The caller's options stay as they are: it finds the connection again by them. */
function route(options) {
  const n = Number.parseInt(PROXY.exec(options?.host)?.[1], 16)
  return n ? { ...options, host: `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, port } : options
}

Socket.prototype.connect = function (first, ...others) {
  if (Array.isArray(first)) first[0] = route(first[0])
  return connect.call(this, Array.isArray(first) ? first : route(first), ...others)
}

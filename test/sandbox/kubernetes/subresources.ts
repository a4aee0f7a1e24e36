/** `pods/log`, `pods/proxy` and `services/proxy`. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Container } from './container.ts'
import type { Line } from './container-log.ts'
import { badRequest, unavailable } from './failure.ts'
import type { Exchange } from './http.ts'
import type { Kubelet } from './kubelet.ts'
import { podSpecOf } from './pod-types.ts'
import type { Resources } from './resources.ts'
import type { Address, Services } from './services.ts'

export function createSubresources(resources: Resources, kubelet: Kubelet, services: Services) {
  return {
    'pods/log': ({ target, query, response }: Exchange) => {
      const pod = resources.find(target.kind, target.namespace, target.name ?? '')
      const { initContainers = [], containers } = podSpecOf(pod)
      const names = [...containers, ...initContainers].map(({ name }) => name)
      const name = query.get('container') ?? (containers.length === 1 ? names[0] : undefined)
      if (name === undefined)
        throw badRequest(
          `a container name must be specified for pod ${target.name}, choose one of: [${names.join(' ')}]`,
        )
      if (!names.includes(name)) throw badRequest(`container ${name} is not valid for pod ${target.name}`)
      const container = kubelet.containers(pod.metadata.uid).find(({ spec }) => spec.name === name)
      writeLog(container, name, target.name ?? '', query, response)
    },
    'pods/proxy': (exchange: Exchange) => {
      const [name = '', port = ''] = (exchange.target.name ?? '').split(':')
      const pod = resources.find(exchange.target.kind, exchange.target.namespace, name)
      forward(services.podAddress(pod, port), `pod "${name}"`, exchange)
    },
    'services/proxy': (exchange: Exchange) => {
      const { kind, namespace = '', name = '' } = exchange.target
      const [service = '', port = ''] = name.split(':')
      const found = resources.find(kind, namespace, service)
      const first = (found['spec'] as { ports?: { port: number }[] }).ports?.[0]?.port ?? ''
      forward(services.address(namespace, service, port || first), `service "${service}"`, exchange)
    },
  }
}

function writeLog(
  container: Container | undefined,
  name: string,
  pod: string,
  query: URLSearchParams,
  response: ServerResponse,
): void {
  const old = query.get('previous') === 'true'
  const log = container?.log(old)
  if (!log) throw badRequest(whyNoLog(container, `container "${name}" in pod "${pod}"`, old))
  const write = lineWriter(query, response)
  response.writeHead(200, { 'content-type': 'text/plain' })
  const lines = log.lines()
  const tail = query.get('tailLines') ?? Number.POSITIVE_INFINITY
  for (const line of lines.slice(Math.max(0, lines.length - Number(tail)))) write(line)
  if (query.get('follow') !== 'true' || log.ended()) {
    response.end()
    return
  }
  response.flushHeaders()
  const stop = log.follow((line) => (line ? write(line) : response.end()))
  response.on('close', stop)
}

function whyNoLog(container: Container | undefined, what: string, old: boolean): string {
  if (old) return `previous terminated ${what} not found`
  const state = container?.status().state
  const reason = state && 'waiting' in state ? state.waiting.reason : 'ContainerCreating'
  return `${what} is waiting to start: ${reason}`
}

function lineWriter(query: URLSearchParams, response: ServerResponse): (line: Line) => void {
  const stamped = query.get('timestamps') === 'true'
  let left = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY)
  return ({ at, text }) => {
    const bytes = stamped ? Buffer.concat([Buffer.from(`${at} `), text]) : text
    if (left > 0) response.write(bytes.subarray(0, left))
    left -= bytes.length
  }
}

/** Hop-by-hop, or the API's own: the token must not reach the pod. */
const OWN_HEADERS = ['authorization', 'connection', 'keep-alive', 'transfer-encoding', 'host']

function forward(address: Address | undefined, what: string, { target, request, response }: Exchange): void {
  if (!address) throw unavailable(`no endpoints available for ${what}`)
  const search = new URL(request.url ?? '/', 'http://sandbox').search
  const onward = httpRequest({
    ...address,
    agent: false,
    method: request.method,
    path: `${target.rest || '/'}${search}`,
    headers: { ...headersWithout(request, OWN_HEADERS), host: `${address.host}:${address.port}` },
  })
  onward.on('response', (answer) => {
    response.writeHead(
      answer.statusCode ?? 502,
      headersWithout(answer, ['connection', 'keep-alive', 'transfer-encoding']),
    )
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  onward.on('error', (error) => refuse(response, error))
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

function refuse(response: ServerResponse, error: Error): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const message = `error trying to reach service: ${error.message}`
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'ServiceUnavailable',
    code: 503,
  }
  response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(status))
}

const headersWithout = (message: IncomingMessage, names: readonly string[]) =>
  Object.fromEntries(Object.entries(message.headers).filter(([name]) => !names.includes(name)))

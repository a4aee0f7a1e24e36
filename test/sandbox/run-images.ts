/**
 * Images of runs as local processes: the sandbox's analyses and the egress proxy. Both get the fixed local ports of Services,
 * since a local process cannot resolve the names of a cluster.
 */
import { fileURLToPath } from 'node:url'
import { parseAnalysisId, type RunNumber } from '../../shared/po/model.ts'
import { LABEL, proxyName, runName } from '../../shared/po/names.ts'
import type { Upstream, UpstreamName, Upstreams } from '../../shared/po/objects/locations.ts'
import { sandboxImages } from './images/catalogue.ts'
import { inherited } from './inherited.ts'
import type { Image, ImageContext } from './kubernetes/container.ts'
import type { ProxyOptions } from './proxy.ts'

export const NGINX_IMAGE = 'sandbox/nginx:1'
const PROXY = fileURLToPath(new URL('proxy.ts', import.meta.url))

interface Surroundings {
  readonly portOf: (service: string, port: number) => Promise<number>
  readonly peerServices: Readonly<Record<string, { readonly name: string; readonly port: number }>>
}

function runOf({ labels, name }: ImageContext) {
  const id = parseAnalysisId(labels[LABEL.analysis] ?? '')
  if (!id) throw new Error(`pod ${name} belongs to no analysis`)
  return { id, run: Number(labels[LABEL.run]) as RunNumber, projectId: labels[LABEL.project] ?? '' }
}

const analysisImage =
  (file: string, env: Readonly<Record<string, string>>, { portOf }: Surroundings): Image =>
  async (context) => {
    const { id, run } = runOf(context)
    const url = `http://127.0.0.1:${await portOf(proxyName(id, run), 80)}`
    return { command: process.execPath, args: [file], env: { ...inherited(), FLAME_PROXY_URL: url, ...env } }
  }

const proxyImage =
  ({ portOf, peerServices }: Surroundings): Image =>
  async (context) => {
    const ids = runOf(context)
    const local = async (name: UpstreamName, service: string, port: number): Promise<[UpstreamName, Upstream]> => [
      name,
      { host: '127.0.0.1', port: await portOf(service, port) },
    ]
    const upstreams = await Promise.all([
      local('analysis', runName(ids.id, ids.run), 80),
      ...Object.entries(peerServices).map(([name, { name: service, port }]) =>
        local(name as UpstreamName, service, port),
      ),
    ])
    const options: ProxyOptions = { ...ids, port: context.port, upstreams: Object.fromEntries(upstreams) as Upstreams }
    return {
      command: process.execPath,
      args: [PROXY],
      env: { ...inherited(), PROXY_OPTIONS: JSON.stringify(options) },
    }
  }

/** By image name, as the sandbox's Kubernetes looks them up. */
export const runImages = (surroundings: Surroundings): Record<string, Image> => ({
  [NGINX_IMAGE]: proxyImage(surroundings),
  ...Object.fromEntries(
    Object.entries(sandboxImages).map(([name, { file, env }]) => [name, analysisImage(file, env, surroundings)]),
  ),
})

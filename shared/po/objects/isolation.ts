/** What the proof of isolation of an analysis tries, from its own pod. Pure. */
import { checkText, type IsolationTarget, METADATA_TARGET, nameServerTargets } from '../../platform/isolation.ts'
import { SERVICE_PORT } from '../../platform/objects.ts'
import { proxyName, runName } from '../names.ts'
import type { RunInput } from './input.ts'

/**
 * The names are those of Services: with the final dot a resolver tries no search domain. The pods of another analysis and of its
 * proxy stand for those of all others, because all have policies of the same form.
 */
function targets({ id, run, peers, neighbour, settings }: RunInput) {
  const { namespace, clusterDomain, resolver, isolation } = settings
  const at = (name: string, service: string, port: number = SERVICE_PORT): IsolationTarget => ({
    name,
    host: `${service}.${namespace}.svc.${clusterDomain}.`,
    port,
  })
  const others = neighbour
    ? [
        at('another analysis', runName(neighbour.id, neighbour.run)),
        at('proxy of another analysis', proxyName(neighbour.id, neighbour.run)),
      ]
    : []
  return {
    mustFail: [
      METADATA_TARGET,
      ...nameServerTargets(resolver),
      ...Object.entries(peers).map(([peer, { name, port }]) => at(peer, name, port)),
      ...others,
      ...(isolation?.outside ?? []),
    ],
    mustWork: [at('its proxy', proxyName(id, run))],
  }
}

export const isolationCheck = (input: RunInput): string => checkText(targets(input))

/** What the proof of isolation of an analysis tries, from its own pod. Pure. */
import { checkText, type IsolationTarget, METADATA_TARGET, nameServerTargets } from '../../platform/isolation.ts'
import { SERVICE_PORT } from '../../platform/objects.ts'
import { proxyName, runName } from '../names.ts'
import type { RunSettings } from '../settings.ts'
import type { RunInput } from './input.ts'

/** A Service. With the final dot a resolver tries no search domain. */
const serviceTarget = (
  { namespace, clusterDomain }: RunSettings,
  name: string,
  service: string,
  port: number = SERVICE_PORT,
): IsolationTarget => ({ name, host: `${service}.${namespace}.svc.${clusterDomain}.`, port })

/** What no pod with the label of analyses may reach. */
export const closedTargets = ({ peers, settings }: Pick<RunInput, 'peers' | 'settings'>): IsolationTarget[] => [
  METADATA_TARGET,
  ...nameServerTargets(settings.resolver),
  ...Object.entries(peers).map(([peer, { name, port }]) => serviceTarget(settings, peer, name, port)),
  ...(settings.isolation?.outside ?? []),
]

/** The pods of one other analysis represent those of all others, because all have policies of the same form. */
function targets(input: RunInput) {
  const { id, run, neighbour } = input
  const at = (name: string, service: string) => serviceTarget(input.settings, name, service)
  const others = neighbour
    ? [
        at('another analysis', runName(neighbour.id, neighbour.run)),
        at('proxy of another analysis', proxyName(neighbour.id, neighbour.run)),
      ]
    : []
  return {
    mustFail: [...closedTargets(input), ...others],
    mustWork: [at('its proxy', proxyName(id, run))],
  }
}

export const isolationCheck = (input: RunInput): string => checkText(targets(input))

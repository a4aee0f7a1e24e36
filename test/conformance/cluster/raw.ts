import type { OwnedKind, RemovableKind } from '../../../shared/po/ports/cluster.ts'
import type { ClusterTarget } from '../cluster.ts'

const PATHS: Readonly<Record<RemovableKind | 'Pod', string>> = {
  Secret: 'api/v1/secrets',
  ConfigMap: 'api/v1/configmaps',
  Service: 'api/v1/services',
  Pod: 'api/v1/pods',
  Deployment: 'apis/apps/v1/deployments',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
}

/** The object from the API server, without the adapter. */
export const read = async (target: ClusterTarget, kind: RemovableKind | 'Pod', name: string) =>
  (await target.raw('GET', `${PATHS[kind]}/${name}`)).body

/** As another client of the API. */
export const patchAsOther = (target: ClusterTarget, kind: OwnedKind, name: string, patch: object) =>
  target.raw('PATCH', `${PATHS[kind]}/${name}?fieldManager=somebody`, patch)

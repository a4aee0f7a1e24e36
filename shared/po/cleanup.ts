/**
 * `DELETE /po/cleanup/{words}`: each word has its own answer, and one that fails does not affect the others. Only `all` and
 * `analyzes` change live analyses.
 */

import { mapConcurrent } from '../platform/concurrency.ts'
import { takeInventory } from './inventory.ts'
import { isLive } from './model.ts'
import type { Peer } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'
import { type ReleasePorts, releaseByKey } from './release.ts'
import { outcomeReport } from './report.ts'
import { removeZombies, ZOMBIE_KINDS } from './zombies.ts'

const CLEANUP_WORDS = ['all', 'analyzes', 'services', 'mb', 'rs', 'keycloak', 'zombies'] as const
type CleanupWord = (typeof CLEANUP_WORDS)[number]

const CONCURRENCY = 32

const RESETS = { broker: 'message broker', storage: 'storage service' } as const satisfies Partial<Record<Peer, string>>

/** Ends and deletes all analyses. What they own is removed now or by the sweep. */
async function clearAnalyses(ports: ReleasePorts): Promise<string> {
  const analyses = await ports.store.reset(({ state, progress }) =>
    isLive(state) ? [outcomeReport('stopped', progress)] : [],
  )
  const results = await mapConcurrent(analyses, CONCURRENCY, ({ key }) => releaseByKey(ports, key))
  const left = results.filter(({ status }) => status === 'rejected').length
  const ids = analyses.map(({ spelling }) => spelling).join(', ')
  const later = left > 0 ? `; objects of ${left} will be removed later` : ''
  return `Deleted ${analyses.length} analyses and all records${ids ? `: ${ids}` : ''}${later}`
}

/** Deletes the pod of a peer; its Deployment creates a new one. */
async function resetPeer({ cluster }: Pick<PoPorts, 'cluster'>, peer: keyof typeof RESETS): Promise<string> {
  const service = (await cluster.peers())[peer]
  const pods = service ? await cluster.pods(service.selector) : []
  const pod = pods.find(({ deleting }) => !deleting)
  if (!pod) return `No pod of the ${RESETS[peer]} was found`
  await cluster.removePod(pod.name)
  return `Reset ${RESETS[peer]}`
}

const resetPeers = async (ports: Pick<PoPorts, 'cluster'>): Promise<string> =>
  `${await resetPeer(ports, 'broker')}; ${await resetPeer(ports, 'storage')}`

/** Deletes clients of analyses without a row. Clients are read before rows, so the client of a new analysis is never deleted. */
async function removeOrphanClients({ identity, store }: Pick<PoPorts, 'identity' | 'store'>): Promise<string> {
  const clients = await identity.listClients()
  const known = await store.knownIds()
  const orphans = clients.filter((id) => !known.has(id))
  for (const id of orphans) await identity.removeClient(id)
  return `Deleted ${orphans.length} Keycloak clients`
}

async function zombies(ports: ReleasePorts): Promise<string> {
  const counts = await removeZombies(ports, await takeInventory(ports), 0)
  return ZOMBIE_KINDS.map((kind) => `Deleted ${counts[kind]} zombie ${kind}`).join('\n')
}

const ACTS = {
  all: async (ports) =>
    `${await clearAnalyses(ports)}; ${await removeOrphanClients(ports)}; ${await resetPeers(ports)}`,
  analyzes: clearAnalyses,
  services: resetPeers,
  mb: (ports) => resetPeer(ports, 'broker'),
  rs: (ports) => resetPeer(ports, 'storage'),
  keycloak: removeOrphanClients,
  zombies,
} as const satisfies Record<CleanupWord, (ports: ReleasePorts) => Promise<string>>

const isCleanupWord = (word: string): word is CleanupWord => (CLEANUP_WORDS as readonly string[]).includes(word)

async function act(ports: ReleasePorts, word: string): Promise<string> {
  if (!isCleanupWord(word)) return `Unknown cleanup type: ${word} (known types: ${CLEANUP_WORDS.join(', ')})`
  try {
    return await ACTS[word](ports)
  } catch (error) {
    ports.log('error', 'cleanup failed', { word, error })
    return `Error cleaning up ${word} (see po logs)`
  }
}

/** Carries out the words of a comma-separated list in their order. Zombies are always removed, and last. */
export async function cleanup(ports: ReleasePorts, list: string): Promise<{ [word: string]: string; zombies: string }> {
  const words = list.split(',').map((word) => word.trim())
  const answer: Record<string, string> = {}
  for (const word of words.filter((word) => word !== 'zombies')) answer[word] = await act(ports, word)
  return { ...answer, zombies: await act(ports, 'zombies') }
}

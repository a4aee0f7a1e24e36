/**
 * The Hub from the view of one node: the node's row for an analysis with its status and log, and the rows of its partners.
 *
 * `refused` means that the Hub will never accept the request, and its report is not sent again. Temporary failures, such as an
 * expired login or too many requests, are `unavailable`.
 */
import { Fault, isFault } from '../../platform/fault.ts'
import type { Send } from '../../platform/http-client.ts'
import { type AnalysisId, HUB_STATUSES, type HubStatus } from '../../po/model.ts'
import type { Hub, PartnerNode } from '../../po/ports/hub.ts'
import { type JsonObject, textOf } from '../json.ts'
import { createHubApi } from './api.ts'
import { createLruCache } from './lru-cache.ts'
import { fitMessage, fitWord } from './message.ts'
import { createTransport, type TransportOptions } from './transport.ts'

export interface HubOptions extends TransportOptions {
  readonly coreUrl: string
  readonly authUrl: string
  /** Client of this node. */
  readonly clientId: string
  readonly clientSecret: string
  readonly now?: () => Date
  /** Of each request. */
  readonly deadlineMs?: number
  readonly send?: Send
}

/** Cached rows; more than a node has live analyses. */
const CACHED_ROWS = 5_000

export function createHub(options: HubOptions): Hub {
  const api = createHubApi({
    coreUrl: options.coreUrl,
    authUrl: options.authUrl,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    send: options.send ?? createTransport(options),
    deadlineMs: options.deadlineMs ?? 5_000,
    now: options.now ?? (() => new Date()),
  })
  const ownRows = createLruCache<AnalysisId, string>(CACHED_ROWS)

  const findNode = async (): Promise<string> => {
    const rows = await api.list('/nodes', { clientId: options.clientId }, 'look up this node')
    const row = rows.find((candidate) => textOf(candidate, 'clientId') === options.clientId)
    const id = row && textOf(row, 'id')
    if (id === undefined) throw new Fault('unavailable', 'The Hub knows no node with the client of this one')
    return id
  }
  const nodeId = cacheOnce(findNode)

  return {
    async analysisNode(id) {
      const known = ownRows.get(id)
      if (known !== undefined) return { analysisNodeId: known }
      const node = await nodeId()
      const filters = { analysisId: id, nodeId: node }
      const rows = await api.list('/analysis-nodes', filters, 'look up the row of an analysis')
      const own = rows.find((row) => isOf(row, id) && textOf(row, 'nodeId') === node)
      const analysisNodeId = own && textOf(own, 'id')
      if (analysisNodeId === undefined) return undefined
      ownRows.set(id, analysisNodeId)
      return { analysisNodeId }
    },

    async partners(id) {
      const node = await nodeId()
      const rows = await api.list('/analysis-nodes', { analysisId: id }, 'list the partners of an analysis')
      return rows
        .filter((row) => isOf(row, id))
        .flatMap(partnerOf)
        .filter((partner) => partner.nodeId !== node)
    },

    async updateStatus(analysisNodeId, status, progress) {
      const body = { executionStatus: status, ...(progress === null ? {} : { executionProgress: progress }) }
      try {
        await api.post(`/analysis-nodes/${encodeURIComponent(analysisNodeId)}`, body, 'take the status of an analysis')
      } catch (error) {
        // The Hub may have replaced the row: look it up again next time.
        if (isFault(error, 'refused')) ownRows.deleteValue(analysisNodeId)
        throw error
      }
    },

    async createLog(id, { level, message, status }) {
      const body = {
        analysisId: id,
        nodeId: await nodeId(),
        level,
        message: fitMessage(message),
        status: fitWord(status),
      }
      await api.post('/analysis-node-logs', body, 'take a log line of an analysis')
    },
  }
}

const isOf = (row: JsonObject, id: AnalysisId): boolean => textOf(row, 'analysisId')?.toLowerCase() === id

function partnerOf(row: JsonObject): readonly PartnerNode[] {
  const analysisNodeId = textOf(row, 'id')
  const nodeId = textOf(row, 'nodeId')
  if (analysisNodeId === undefined || nodeId === undefined) return []
  return [{ analysisNodeId, nodeId, executionStatus: hubStatusOf(row) }]
}

/** Null without a status, and for an unknown one. */
const hubStatusOf = (row: JsonObject): HubStatus | null =>
  HUB_STATUSES.find((status) => status === row['executionStatus']) ?? null

/** Caches the first success. Concurrent callers share one attempt. */
function cacheOnce<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
}

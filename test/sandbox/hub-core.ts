/** The core API of the Hub stand-in: lists, accepted writes and refusals. */
import { accepted, type Body, hubError, invalid, page, parseBody } from './hub-dialect.ts'
import type { AnalysisNode, HubWorld, LogRecord } from './hub-world.ts'
import type { Incoming, Reply } from './stand-in.ts'

const STATUSES = ['starting', 'started', 'stopping', 'stopped', 'executing', 'executed', 'failed']
const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug']
const NODE_FILTERS = ['id', 'name', 'online', 'hidden', 'clientId', 'realmId', 'robotId']
const ROW_FILTERS = ['executionStatus', 'approvalStatus', 'analysisId', 'analysisRealmId', 'nodeId', 'nodeRealmId']
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Check = (value: unknown) => boolean

const isText =
  (min: number, max: number): Check =>
  (value) =>
    typeof value === 'string' && value.length >= min && value.length <= max
const isAbsentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value)
const isOneOf =
  (words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value)
const isId: Check = (value) => typeof value === 'string' && UUID_V4.test(value)
const isLabels: Check = (value) =>
  value === undefined ||
  (typeof value === 'object' && value !== null && Object.values(value).every((label) => typeof label === 'string'))
const isPercent: Check = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100

const LOG_CHECKS: Readonly<Record<string, Check>> = {
  analysisId: isId,
  nodeId: isId,
  level: isOneOf(LEVELS),
  message: isText(3, 2048),
  status: isAbsentOr(isText(3, 64)),
  code: isAbsentOr(isText(3, 64)),
  labels: isLabels,
}
const ROW_CHECKS: Readonly<Record<string, Check>> = {
  executionStatus: isAbsentOr(isOneOf(STATUSES)),
  executionProgress: isAbsentOr(isPercent),
}

const faultyFields = (checks: Readonly<Record<string, Check>>, body: Body): readonly string[] =>
  Object.entries(checks).flatMap(([field, check]) => (check(body[field]) ? [] : [field]))

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export interface CoreOptions {
  readonly autoRegister: boolean
  readonly ignoreFilters: readonly string[]
}

export function createCoreApi(world: HubWorld, { autoRegister, ignoreFilters }: CoreOptions) {
  /** The partners of an analysis that no test registered have begun: nothing waits for them. */
  const register = (id: string) => world.register(id, undefined, 'executing')
  const heeded = (fields: readonly string[]): readonly string[] =>
    fields.filter((field) => !ignoreFilters.includes(field))

  /** As `include=node` asks for it. */
  const withNode = (row: AnalysisNode) => ({ ...row, node: world.nodes.find(({ id }) => id === row.nodeId) })

  const listRows = (query: URLSearchParams): Reply => {
    const wanted = query.get('filter[analysisId]')
    if (autoRegister && wanted !== null && UUID.test(wanted)) register(wanted)
    const narrowed = wanted !== null && heeded(ROW_FILTERS).includes('analysisId')
    const rows = narrowed ? world.rowsOf(wanted) : world.allRows()
    const includes = query.get('include')?.split(',') ?? []
    return page(includes.includes('node') ? rows.map(withNode) : rows, query, heeded(ROW_FILTERS))
  }

  const updateRow = (id: string, body: Body): Reply => {
    const faults = faultyFields(ROW_CHECKS, body)
    if (faults.length > 0) return invalid(faults)
    const row = world.rowById(id)
    if (!row) return hubError(404, 'entity_not_found', 'The entity does not exist')
    if (row.nodeId !== world.node.id) return hubError(403, 'permission_denied', 'Neither node nor analysis is yours')
    apply(row, body, world.now())
    const { executionStatus: status, executionProgress: progress, updatedAt: at } = row
    world.recordOf(row.analysisId).statuses.push({ at, status, progress })
    return accepted(row)
  }

  const createLog = (body: Body): Reply => {
    const faults = faultyFields(LOG_CHECKS, body)
    if (faults.length > 0) return invalid(faults)
    const analysisId = String(body['analysisId'])
    const node = world.nodes.find(({ id }) => id === body['nodeId'])
    if (!node) return invalid(['nodeId'])
    if (autoRegister) register(analysisId)
    if (world.rowsOf(analysisId).length === 0) return invalid(['analysisId'])
    if (node.id !== world.node.id) return hubError(403, 'permission_denied', 'The node is not yours')
    const line = {
      at: world.now().toISOString(),
      level: String(body['level']),
      message: String(body['message']),
      status: text(body['status']),
      code: text(body['code']),
    }
    world.recordOf(analysisId).logs.push(line)
    return accepted(logEntry(line, { analysisId, nodeId: node.id }))
  }

  const post = (path: string, raw: string): Reply | undefined => {
    const body = parseBody(raw)
    if (!body) return hubError(400, 'bad_request', 'The body is malformed')
    if (path === '/analysis-node-logs') return createLog(body)
    const rowId = /^\/analysis-nodes\/([^/]+)$/.exec(path)?.[1]
    return rowId === undefined ? undefined : updateRow(rowId, body)
  }

  const get = (path: string, query: URLSearchParams): Reply | undefined => {
    if (path === '/nodes') return page(world.nodes, query, heeded(NODE_FILTERS))
    return path === '/analysis-nodes' ? listRows(query) : undefined
  }

  return ({ method, url, text: raw }: Incoming, path: string): Reply => {
    const reply = method === 'GET' ? get(path, url.searchParams) : method === 'POST' ? post(path, raw) : undefined
    return reply ?? hubError(404, 'entity_not_found', 'no such path')
  }
}

/** A line as the Hub's log store has it: what it belongs to are labels. */
const logEntry = ({ at, level, message, status, code }: LogRecord, owner: Readonly<Record<string, string>>) => ({
  time: at,
  message,
  service: 'hub-server-core',
  channel: 'background',
  level,
  labels: { ...owner, ...(status === null ? {} : { status }), ...(code === null ? {} : { code }) },
})

/** Fields that are not there stay; null empties them. */
function apply(row: AnalysisNode, body: Body, at: Date): void {
  if (body['executionStatus'] !== undefined) row.executionStatus = text(body['executionStatus'])
  const progress = body['executionProgress']
  if (progress !== undefined) row.executionProgress = typeof progress === 'number' ? progress : null
  row.updatedAt = at.toISOString()
}

/** FLAME's own client in Python can talk to the Hub stand-in: its models refuse an answer that lacks a field. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { findPython } from '../python/program.ts'
import { startHub } from './hub.ts'

const PYTHON = findPython('the Hub stand-in is not tried with flame-hub-client')
const SCRIPT = fileURLToPath(new URL('../python/hub_client.py', import.meta.url))

test.skipIf(!PYTHON)('flame-hub-client finds nodes and rows, updates a row, writes a log line', async () => {
  const hub = await startHub()
  try {
    const id = randomUUID()
    const { analysisNodeId, partners } = hub.register(id, 2)
    const args = [hub.coreUrl, hub.authUrl, hub.clientId, hub.clientSecret, id, partners[0]?.analysisNodeId ?? '']
    const { stdout } = await promisify(execFile)(PYTHON ?? '', [SCRIPT, ...args])
    const understood = JSON.parse(stdout)
    expect(understood).toMatchObject({
      nodes: [{ id: hub.node.id, name: hub.node.name, clientId: hub.clientId, type: 'default', online: true }],
      total: 1,
      updated: { id: analysisNodeId, analysisId: id, executionStatus: 'executing', executionProgress: 47 },
      log: { message: 'a line', level: 'info', labels: { analysisId: id, nodeId: hub.node.id, status: 'executing' } },
      refusals: { status: 403, message: 400 },
    })
    const nodeOf = ({ id, nodeId, node }: Record<string, { id?: string }>) => ({ id, nodeId, included: node?.id })
    const row = (id: string, nodeId: string) => ({ id, nodeId, included: nodeId })
    expect(understood.rows.map(nodeOf)).toEqual([
      row(analysisNodeId, hub.node.id),
      ...partners.map((partner) => row(partner.analysisNodeId, partner.nodeId)),
    ])
    expect(hub.told(id)).toMatchObject({
      statuses: [{ status: 'executing', progress: 47 }],
      logs: [{ level: 'info', message: 'a line', status: 'executing' }],
    })
  } finally {
    await hub.stop()
  }
})

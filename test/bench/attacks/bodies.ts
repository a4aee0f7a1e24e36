/** Incomplete bodies: nearly complete JSON on 300 connections, and forms sent byte by byte on 500. */
import { type Route, routes } from '../../../shared/routes/index.ts'
import type { BenchNode } from '../node.ts'
import type { BenchRow } from '../row.ts'
import { tick } from '../tick.ts'
import { silence, trickle } from './connections.ts'
import { underAttack } from './victim.ts'

const CONNECTIONS = 300
const SILENT_SECONDS = 6
/** The size limit of a JSON document. */
const BODY_BYTES = 1024 * 1024 - 1000
const FORMS = 500
const FORM_SECONDS = 10
const BOUNDARY = 'a-boundary'
const FORM = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="slow.bin"\r\n\r\n${'x'.repeat(65_536)}`

/** The functions that read a JSON body. */
const READING: readonly Route[] = [
  routes.po.create,
  routes.po.streamLogs,
  routes.po.statusReconcile,
  routes.dt.serviceLaunch,
  routes.dt.reconcile,
]

export async function attackBodies(node: BenchNode): Promise<BenchRow[]> {
  const headers = await node.headers('hub-adapter')
  const rows: BenchRow[] = []
  for (const route of READING) {
    const { method = 'POST', path = '/' } = route.endpoints[0] ?? {}
    const own = route.trigger === 'event' ? tick().headers : headers
    const ask = { method, path, headers: { ...own, 'content-length': String(BODY_BYTES) } }
    const name = `${CONNECTIONS} connections with 1 MiB each and silence`
    rows.push(
      await underAttack(node, { name, route, run: ({ url }) => silence(url, ask, CONNECTIONS, SILENT_SECONDS) }),
    )
  }
  const form = { ...headers, 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': '1000000' }
  rows.push(
    await underAttack(node, {
      name: `${FORMS} uploads of a byte a second`,
      route: routes.dt.fileUpload,
      run: ({ url }) =>
        trickle(url, { method: 'POST', path: '/files/upload', headers: form }, FORM, FORMS, FORM_SECONDS),
    }),
  )
  return rows
}

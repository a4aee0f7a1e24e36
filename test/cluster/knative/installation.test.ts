/** After `make deploy` everything is ready and reachable only through the gateway; a second one changes nothing. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Endpoint, poRoutes } from '../../../shared/routes/index.ts'
import { redeploy } from './installation.ts'
import { run, succeed } from './make.ts'
import { type Node, openNode } from './node.ts'
import type { OverlayInput } from './overlay.ts'
import { survey } from './survey.ts'

const ID = '7f6bf4e1-0c0b-4f0e-9d2a-5a3c5f4b1a11'

let node: Node
beforeAll(() => {
  node = openNode()
})
afterAll(() => node.close())

interface Ready extends Record<string, unknown> {
  readonly metadata: { readonly name: string }
  readonly status: {
    readonly latestReadyRevisionName: string
    readonly conditions: readonly { readonly type: string; readonly status: string }[]
  }
}
const functions = async () => (await node.api.list('KnativeService')) as unknown as readonly Ready[]
const revisions = async () =>
  Object.fromEntries((await functions()).map(({ metadata, status }) => [metadata.name, status.latestReadyRevisionName]))
describe('the manifests', () => {
  test.each(['local', 'flame', 'kafka'])('of the overlay %s pass every check of the API server', async (overlay) => {
    const applied = await survey(overlay, node.api.namespace, node.environment)
    expect(applied).toEqual(poRoutes.map(({ name }) => name).sort())
  })

  test('that need what the cluster has not are refused as a whole, by name', async () => {
    const { code, lines } = await run(
      'make',
      ['--no-print-directory', 'deploy', 'OVERLAY=knative/config/overlays/httproute'],
      {
        env: { KUBECONFIG: node.environment.kubeconfig },
      },
    )
    const text = lines.join('\n')
    expect(code).not.toBe(0)
    expect(text).toContain('nothing was applied')
    expect(text).toMatch(/the example's image: set yours/)
  })
})

describe('the installation', () => {
  test('was deployed from nothing, and said how', () => {
    const { deployed } = node.installation
    expect(deployed.join('\n')).toMatch(
      /Job po-migrate: ready[\s\S]*po-status: ready[\s\S]*PingSource po-status-loop: ready/,
    )
    console.log(`          ${deployed.at(-1)}`)
  })

  test('has every function of the route table ready', async () => {
    const ready = (await functions())
      .filter(({ status }) => status.conditions.every(({ status: is }) => is === 'True'))
      .map(({ metadata }) => metadata.name)
    expect(ready.sort()).toEqual(poRoutes.map(({ name }) => name).sort())
  })

  test('is left as it is by the same deployment', async () => {
    const deploy = (changes: Partial<OverlayInput>) => redeploy(node.installation, node.environment, changes)
    await deploy({})
    const before = await revisions()
    await deploy({})
    expect(await revisions()).toEqual(before)
    await deploy({ settings: { ...node.installation.overlay.settings, CORS_ORIGIN: 'https://example.org' } })
    const after = await revisions()
    const rolled = Object.keys(after).filter((name) => after[name] !== before[name])
    expect(rolled.sort()).toEqual(await readersOf('CORS_ORIGIN'))
    await deploy({})
  })

  test('is found by kn', async () => {
    const { stdout } = await succeed('kn', ['service', 'list', '--namespace', node.api.namespace, '-o', 'json'], {
      env: { KUBECONFIG: node.environment.kubeconfig },
    })
    const { items } = JSON.parse(stdout) as { items: { metadata: { name: string } }[] }
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(poRoutes.map(({ name }) => name).sort())
  })

  test('takes the manifest of a function from kn, too', async () => {
    const manifest = await readFile(
      new URL('../../../knative/config/base/services/po-docs.yaml', import.meta.url),
      'utf8',
    )
    const file = join(await mkdtemp(join(tmpdir(), 'po-kn-')), 'po-docs.yaml')
    await writeFile(
      file,
      manifest.replace('image: knative-pod-orchestration', `image: ${node.installation.functionImage}`),
    )
    const { lines } = await succeed(
      'kn',
      ['service', 'apply', '-f', file, '--namespace', node.api.namespace, '--wait'],
      {
        env: { KUBECONFIG: node.environment.kubeconfig },
      },
    )
    await rm(dirname(file), { recursive: true })
    expect(lines.join('\n')).toMatch(/po-docs/)
    expect((await node.send('GET', '/api/docs')).status).toBe(200)
    // kn's annotation in the object must not break later deployments: the second one would fail.
    for (const _ of [1, 2]) await redeploy(node.installation, node.environment, {})
  })
})

const readersOf = async (setting: string): Promise<readonly string[]> => {
  const texts = await Promise.all(
    poRoutes.map(async ({ name }) => {
      const manifest = new URL(`../../../knative/config/base/services/${name}.yaml`, import.meta.url)
      return (await readFile(manifest, 'utf8')).includes(`key: ${setting},`) ? name : ''
    }),
  )
  return texts.filter(Boolean).sort()
}

/** All routes of users, with the response of an empty node to a call with a token and a minimal body. */
const ANSWERS: Readonly<Record<string, number>> = {
  'POST /po/': 422,
  'POST /po/stream_logs': 422,
  'GET /api/assets/{file}': 404,
  // The analysis is unknown.
  'GET /po/analyses/{analysis_id}/record': 404,
}
const OPEN = new Set(['po-healthz', 'po-docs'])
const calls = poRoutes
  .filter(({ trigger }) => trigger === 'http')
  .flatMap(({ name, endpoints }) =>
    endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, name, endpoint] as const),
  )
const pathOf = ({ path }: Endpoint) =>
  path.replace('{analysis_id}', ID).replace('{cleanup_type}', 'zombies').replace('{file}', 'nothing')

describe('through the gateway', () => {
  test.each(calls)('%s is answered by %s', async (title, name, endpoint) => {
    const body = endpoint.method === 'POST' ? {} : undefined
    const answer = await node.send(endpoint.method as 'GET', pathOf(endpoint), body)
    expect(answer.status, await answer.text()).toBe(ANSWERS[title] ?? 200)
    const anonymous = await fetch(`${node.installation.url}${pathOf(endpoint)}`, { method: endpoint.method })
    expect(anonymous.status).toBe(OPEN.has(name) ? answer.status : 401)
  })

  test('what the table does not name is nowhere', async () => {
    for (const path of ['/', '/po', '/po/status-reconcile', '/health/readiness', '/metrics']) {
      expect((await node.send('POST', path, {})).status, path).toBeGreaterThanOrEqual(404)
    }
  })
})

/**
 * Upgrade and rollback of image and manifests while analyses run. The former version is built from the commit TEST_FORMER, or
 * else from these sources under another name.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../api.ts'
import { loadFunctionImage } from '../images.ts'
import { timed } from '../world.ts'
import { redeploy } from './installation.ts'
import { type Node, openNode } from './node.ts'
import type { OverlayInput } from './overlay.ts'
import { loadSupport } from './support.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FORMER = process.env['TEST_FORMER']
const run = promisify(execFile)

type Version = Pick<OverlayInput, 'functionImage' | 'sources'>

let node: Node
let folder: string
beforeAll(async () => {
  node = openNode()
  folder = await mkdtemp(join(tmpdir(), 'po-former-'))
})
afterAll(async () => {
  await redeploy(node.installation, node.environment, {})
  await node.close()
  await rm(folder, { recursive: true })
})

/** The sources of the commit with the current dependencies. */
async function formerVersion(): Promise<Version> {
  if (!FORMER) return { functionImage: await loadFunctionImage(node.environment, ROOT, '-former') }
  await run('sh', ['-c', 'git archive "$1" | tar -x -C "$2"', 'sh', FORMER, folder], { cwd: ROOT })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return { functionImage: await loadFunctionImage(node.environment, folder, '-former'), sources: folder }
}

const uids = async (id: string) => (await node.podsOf(id)).map(({ metadata }) => metadata.uid)
const imagesInUse = async () => {
  const pods = await node.api.pods('app.kubernetes.io/component=function')
  const living = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
  return [...new Set(living.map(({ spec }) => spec.containers[0]?.image))]
}

test('analyses go on through an upgrade, are archived after it, and go on through a rollback', {
  timeout: 600_000,
}, async () => {
  const { chatty } = await loadSupport(node)
  const former = await timed(`image of ${FORMER ?? 'these sources under another name'}`, () => formerVersion())
  await timed('deployed the former version', () => redeploy(node.installation, node.environment, former))
  const [long, short] = [randomUUID(), randomUUID()]
  for (const id of [long, short]) await node.create(id, id === long ? node.installation.images.probe : chatty)
  for (const id of [long, short]) await node.untilStatus(id, 'executing')
  const before = await uids(long)

  await timed('deployed this version', () => redeploy(node.installation, node.environment, {}))
  expect((await node.statusOf(long))?.status).toBe('executing')
  await timed('what began before is executed', () => node.untilGone(short, 120_000))
  const lines = (await node.told(short)).logs.map(({ message }) => message).filter((text) => text.startsWith('line '))
  expect(lines).toEqual(Array.from({ length: 200 }, (_, at) => `line ${at + 1} of 200`))
  expect((await node.historyOf(short)).analysis[short]?.join('')).toContain('line 200 of 200')

  await timed('deployed the former version again', () => redeploy(node.installation, node.environment, former))
  await eventually('only the former image runs', async () => (await imagesInUse()).join() === former.functionImage)
  await eventually('its progress rises', async () => ((await node.statusOf(long))?.progress ?? 0) > 5)
  expect(await uids(long)).toEqual(before)
  await node.call('DELETE', `/po/delete/${long}`)
  await node.untilGone(long)
})

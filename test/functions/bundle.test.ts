/** The content of the bundles; one runs without the sources. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtRoutes, bundleFunction, copyFiles, starter } from '../../knative/image/bundle.ts'
import { warmUp } from '../../knative/image/warm-up.ts'
import { routes } from '../../shared/routes/index.ts'
import { startFunctions } from '../sandbox/functions.ts'

let dist: URL
beforeAll(async () => {
  dist = pathToFileURL(`${await mkdtemp(join(tmpdir(), 'bundle-'))}/`)
})
afterAll(() => rm(dist, { recursive: true }))

const named = builtRoutes().map((route) => [route.name, route] as const)

describe.each(named)('%s', (_, route) => {
  let inputs: string[]
  beforeAll(async () => {
    const { outputs } = await bundleFunction(route, dist)
    const used = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
    inputs = used.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  })
  const uses = (part: string) => inputs.some((path) => path.includes(part))

  test('holds the Kubernetes client exactly when its grants name Kubernetes', () => {
    expect(uses('shared/adapters/kubernetes/')).toBe(route.kubernetes.length > 0)
    if (route.kubernetes.length === 0) expect(uses('node_modules/@kubernetes/')).toBe(false)
  })

  test('holds the database exactly when its settings name it', () => {
    expect(uses('node_modules/postgres/')).toBe((route.settings as readonly string[]).includes('database'))
  })

  test('holds the framework without its server, and nothing of the tests or of other functions', () => {
    expect(uses('node_modules/@google-cloud/functions-framework/')).toBe(true)
    for (const part of ['node_modules/express/', 'node_modules/body-parser/', '/test/']) expect(uses(part)).toBe(false)
    const folders = new Set(inputs.filter((path) => path.startsWith('functions/')).map((path) => path.split('/')[2]))
    expect(folders.size).toBeLessThanOrEqual(1)
  })
})

describe('a bundle', () => {
  test('answers from wherever it lies, with the files it brought along', async () => {
    await bundleFunction(routes.po.docs, dist)
    await copyFiles(dist)
    const program = () => fileURLToPath(new URL('po-docs.mjs', dist))
    const functions = await startFunctions({ routes: [routes.po.docs], env: {}, program })
    try {
      const url = functions.addressOf(routes.po.docs)
      const bodies = [
        'api/docs',
        'api/redoc',
        'api/v1/openapi.json',
        'api/assets/redoc.js',
        'api/assets/swagger-ui.css',
      ]
      for (const path of bodies) expect((await fetch(`${url}/${path}`)).status).toBe(200)
    } finally {
      await functions.stop()
    }
  })

  test('is started by the name in FUNCTION_TARGET, and says which names there are', async () => {
    await writeFile(new URL('start.mjs', dist), starter(['one', 'two']))
    await writeFile(new URL('two.mjs', dist), "console.log('two runs')")
    const run = (name: string) =>
      spawnSync(process.execPath, [fileURLToPath(new URL('start.mjs', dist))], {
        encoding: 'utf8',
        env: { FUNCTION_TARGET: name },
      })
    expect(run('two')).toMatchObject({ stdout: 'two runs\n', status: 0 })
    const refused = run('three')
    expect(JSON.parse(refused.stdout)).toMatchObject({ faults: ['FUNCTION_TARGET: expected one of one, two'] })
    expect(refused.status).toBe(78)
  })

  test('leaves compiled code behind when it is warmed up', async () => {
    await bundleFunction(routes.po.healthz, dist)
    await rm(new URL('.cache', dist), { recursive: true, force: true })
    await warmUp(routes.po.healthz, new URL('po-healthz.mjs', dist))
    const files = await readdir(new URL('.cache', dist), { recursive: true })
    expect(files.length).toBeGreaterThan(1)
  })
})

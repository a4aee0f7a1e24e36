/**
 * `node knative/bundle.ts` makes `dist/`: for each function `<route name>.mjs`, one self-contained file in `lib/` that it
 * starts, what these read (`lib/assets`, `sql`), `migrate.mjs`, and a warm compile cache in `.cache`.
 *
 *     FUNCTION_TARGET=po-status PORT=8080 node --max-semi-space-size=4 dist/po-status.mjs
 *
 * Node keeps compiled code only for modules that are loaded after the cache was switched on, and only for one path and
 * one Node version: so each function has a launcher, and an image warms the cache where it will run.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { PACKAGED_ASSETS } from '../functions/po/docs/assets.ts'
import { allRoutes, functionFolder, type Route } from '../shared/routes.ts'
import { warmUp } from './warm-up.ts'

const ROOT = new URL('../', import.meta.url)
export const DIST = new URL('dist/', ROOT)

/**
 * How Node is to run a function. V8 lets the space of young objects grow to 3 × 16 MiB before it cleans up harder; our
 * requests are small and many functions share a node: `create` holds 117 instead of 134 MiB after 100 requests.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/** CommonJS packages in an ES module look for these. */
const BANNER = "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);"

/**
 * How the C library of the status loop is to keep memory. Node reads sockets into 64 KiB pieces that live for a moment, and
 * glibc by default keeps their places in an arena per thread. It costs a start 10 ms: the others go without.
 */
export const memoryEnvironment = ({ trigger }: Route): Readonly<Record<string, string>> =>
  trigger === 'event'
    ? { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }
    : {}

/**
 * V8 lets its old space grow by a multiple of what was alive before it cleans up; the status loop's by a fifth, since what
 * a sweep reads of Kubernetes lives for a moment. Only once it is loaded: a heap that grows from nothing would take its time.
 */
const afterLoading = ({ trigger }: Route): string =>
  trigger === 'event' ? "setFlagsFromString('--heap-growing-percent=20')\n" : ''

const launcher = (route: Route): string => `import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'

enableCompileCache(import.meta.dirname + '/.cache')
await import('./lib/${route.name}.mjs')
${afterLoading(route)}`

const functionEntry = (route: Route): string => `
import './functions/${functionFolder(route)}/index.ts'
import { start } from './shared/http/start.ts'
await start(async () => {})
`

async function bundle(name: string, contents: string, outfile: URL): Promise<Metafile> {
  const { metafile } = await build({
    stdin: { contents, resolveDir: fileURLToPath(ROOT), sourcefile: `${name}.ts`, loader: 'ts' },
    outfile: fileURLToPath(outfile),
    absWorkingDir: fileURLToPath(ROOT),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    legalComments: 'none',
    banner: { js: BANNER },
    define: { 'process.env.NODE_ENV': '"production"' },
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}

/** Bundles one function below `dist`, and says which sources went into it. */
export async function bundleFunction(route: Route, dist: URL = DIST): Promise<Metafile> {
  const metafile = await bundle(route.name, functionEntry(route), new URL(`lib/${route.name}.mjs`, dist))
  await writeFile(new URL(`${route.name}.mjs`, dist), launcher(route))
  return metafile
}

export async function copyFiles(dist: URL): Promise<void> {
  await cp(new URL('shared/sql', ROOT), new URL('sql', dist), { recursive: true })
  await mkdir(new URL('lib/assets', dist), { recursive: true })
  for (const [file, specifier] of PACKAGED_ASSETS)
    await cp(new URL(import.meta.resolve(specifier)), new URL(`lib/assets/${file}`, dist))
}

/** Functions that are in the table and in the tree. */
export const builtRoutes = (routes: readonly Route[] = allRoutes): Route[] =>
  routes.filter((route) => existsSync(new URL(`functions/${functionFolder(route)}/index.ts`, ROOT)))

/** Makes `dist` anew. */
export async function bundleAll(dist: URL = DIST): Promise<void> {
  await rm(dist, { recursive: true, force: true })
  await mkdir(new URL('lib/', dist), { recursive: true })
  const routes = builtRoutes()
  await Promise.all(routes.map((route) => bundleFunction(route, dist)))
  await bundle('migrate', "import './shared/migrate.ts'", new URL('migrate.mjs', dist))
  await copyFiles(dist)
  for (const route of routes) await warmUp(route, new URL(`${route.name}.mjs`, dist))
}

if (import.meta.main) {
  const dist = process.argv[2] ? pathToFileURL(`${process.argv[2]}/`) : DIST
  await bundleAll(dist)
  console.log(`${builtRoutes().length} functions in ${fileURLToPath(dist)}`)
}

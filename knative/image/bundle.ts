/**
 * `node knative/image/bundle.ts [DIST [UID]]` builds `dist/`, the whole content of the image:
 *
 *   <route name>.mjs   launcher of a function
 *   lib/               a self-contained bundle per function, and their assets
 *   migrate.mjs, …     the other programs, with `sql/`
 *   start.mjs          runs the program that FUNCTION_TARGET names
 *   .cache/            a warm compile cache
 *
 *     FUNCTION_TARGET=po-status PORT=8080 node --max-semi-space-size=4 dist/start.mjs
 *
 * Node caches compiled code only of modules that are loaded after the cache is enabled, and per Node version and user. So each
 * function has a launcher, and the build warms the cache with the user id of the image.
 */
import { existsSync } from 'node:fs'
import { chown, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { PACKAGED_ASSETS } from '../../shared/http/docs/assets.ts'
import { allRoutes, functionFolder, type Route } from '../../shared/routes/index.ts'
import { isFrugal } from './process.ts'
import { warmUp } from './warm-up.ts'

const ROOT = new URL('../../', import.meta.url)
const DIST = new URL('dist/', ROOT)

/** CommonJS packages in an ES module need `require`. */
const BANNER = "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);"

/** Each thread of a parallel collection keeps pages of its own. */
const FRUGAL_HEAP = ['--heap-growing-percent=20', '--no-parallel-compaction', '--no-parallel-scavenge']

/**
 * By default V8 lets the old space grow by a multiple of the live objects before it collects. For frugal functions it grows by
 * a fifth, since a sweep's lists and chunks of files are short-lived. The flags are set after loading: earlier they would slow
 * down the start.
 */
const afterLoading = (route: Route): string =>
  isFrugal(route) ? FRUGAL_HEAP.map((flag) => `setFlagsFromString('${flag}')\n`).join('') : ''

/** The cache is portable: it stays valid when `dist` is moved. */
const launcher = (route: Route): string => `import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'

enableCompileCache({ directory: import.meta.dirname + '/.cache', portable: true })
await import('./lib/${route.name}.mjs')
${afterLoading(route)}`

/** The image's programs that are not functions: name → source. */
const PROGRAMS: Readonly<Record<string, string>> = {
  migrate: './shared/commands/migrate.ts',
  'prove-isolation': './shared/pod/prove-isolation.ts',
  'fetch-inputs': './shared/pod/fetch-inputs.ts',
  'upload-outputs': './shared/pod/upload-outputs.ts',
}
/** `EX_CONFIG` of sysexits.h: a restart does not help. */
const EXIT_CONFIG = 78

/** The image's entry point. It reports an unknown name as a log line, as functions report their faults. */
export const starter = (names: readonly string[]): string => `const names = ${JSON.stringify(names)}
const name = process.env.FUNCTION_TARGET
if (names.includes(name)) await import(new URL(name + '.mjs', import.meta.url))
else {
  const faults = ['FUNCTION_TARGET: expected one of ' + names.join(', ')]
  console.log(JSON.stringify({ level: 'fatal', logger: 'start', msg: 'could not start', faults }))
  process.exitCode = ${EXIT_CONFIG}
}
`

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

/** Bundles one function into `dist`. @returns the sources of the bundle */
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

export const builtRoutes = (routes: readonly Route[] = allRoutes): Route[] =>
  routes.filter((route) => existsSync(new URL(`functions/${functionFolder(route)}/index.ts`, ROOT)))

/** Deletes and rebuilds `dist`. @param uid of the user who runs it; default: of this process */
export async function bundleAll(dist: URL = DIST, uid?: number): Promise<void> {
  await rm(dist, { recursive: true, force: true })
  await mkdir(new URL('lib/', dist), { recursive: true })
  const routes = builtRoutes()
  await Promise.all(routes.map((route) => bundleFunction(route, dist)))
  for (const [name, source] of Object.entries(PROGRAMS))
    await bundle(name, `import '${source}'`, new URL(`${name}.mjs`, dist))
  await writeFile(new URL('start.mjs', dist), starter([...routes.map(({ name }) => name), ...Object.keys(PROGRAMS)]))
  await copyFiles(dist)
  await mkdir(new URL('.cache', dist))
  if (uid !== undefined) await chown(new URL('.cache', dist), uid, uid)
  for (const route of routes) await warmUp(route, new URL(`${route.name}.mjs`, dist), uid)
}

if (import.meta.main) {
  const [folder, uid] = process.argv.slice(2)
  const dist = folder ? pathToFileURL(`${folder}/`) : DIST
  await bundleAll(dist, uid === undefined ? undefined : Number(uid))
  console.log(`${builtRoutes().length} functions in ${fileURLToPath(dist)}`)
}

/** Builds the images of these tests from this repository and loads them into the cluster. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NODE_FLAGS } from '../../knative/image/process.ts'
import type { ClusterEnvironment } from './environment.ts'
import type { Targets } from './pods/probe.ts'

const run = promisify(execFile)

export interface Images {
  readonly nginx: string
  /** Computes a mean over the patients and ends. */
  readonly mean: string
  /** Tries to escape its network policies until it is killed. */
  readonly probe: string
  /** Runs any packed file of this repository: `/app/test/…`. */
  readonly node: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PACKED = ['test/sandbox/images', 'test/sandbox/peers', 'test/sandbox/peers.ts', 'test/sandbox/data']
const PODS = 'test/cluster/pods'
/** User id of proxies. */
const NGINX_USER = 101

/** The packed files, in the same folders as in this repository. */
async function pack(targets: Targets): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'po-cluster-'))
  for (const path of [...PACKED, PODS]) await cp(join(ROOT, path), join(folder, path), { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, PODS, 'targets.json'), JSON.stringify(targets))
  // The users of containers must be able to read them, whatever this user's umask is.
  await run('chmod', ['-R', 'a+rX', folder])
  return folder
}

/** User id of functions, as in the Dockerfile. */
const FUNCTION_USER = 10_000

/**
 * The image of the functions, with the file tree of the Dockerfile.
 * @param root of the sources
 * @param mark gives the same content another tag
 */
export async function loadFunctionImage(
  { loadImage: [command, ...first] }: Pick<ClusterEnvironment, 'loadImage'>,
  root = ROOT,
  mark = '',
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'po-functions-'))
  try {
    await run('chmod', ['a+rx', folder])
    // Before 0.2 the bundler was one folder up.
    const bundler = ['knative/image/bundle.ts', 'knative/bundle.ts'].find((path) => existsSync(join(root, path)))
    await run('node', [bundler ?? 'knative/image/bundle.ts', join(folder, 'dist'), String(FUNCTION_USER)], {
      cwd: root,
    })
    // The compile cache differs between builds: the tag is the digest of the other files.
    const tag = `${await digest(join(folder, 'dist'), /[\\/]\.cache([\\/]|$)/)}${mark}`
    await run('chmod', ['-R', 'a+rX', folder])
    const image = `dev.local/knative-pod-orchestration:${tag}`
    const how = ['--user', `${FUNCTION_USER}:${FUNCTION_USER}`, '--env', `NODE_OPTIONS=${NODE_FLAGS.join(' ')}`]
    await run(command, [
      ...first,
      image,
      '--node',
      folder,
      '--entry',
      'dist/start.mjs',
      '--env',
      'NODE_ENV=production',
      ...how,
    ])
    return image
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The same content has the same tag, so that a node loads it once. */
async function digest(folder: string, leftOut?: RegExp): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const all = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = all.filter((file) => !leftOut?.test(file.slice(folder.length)))
  for (const file of files.sort()) hash.update(file.slice(folder.length)).update(await readFile(file))
  return hash.digest('hex').slice(0, 12)
}

/** @throws with instructions if it is not installed */
export async function findProgram(name: string): Promise<string> {
  const path = `${process.env['PATH']}${delimiter}/usr/sbin`
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name)
    const found = await access(file).then(
      () => true,
      () => false,
    )
    if (found) return file
  }
  throw new Error(`${name} is not on this machine: install it (Debian: apt-get install nginx), or set TEST_NGINX_IMAGE`)
}

/** The program of a Node image, and its environment. */
export interface Program {
  readonly entry: string
  readonly env?: Readonly<Record<string, string>>
  /** Name of the image; default: a name of these tests. */
  readonly image?: string
}

/** Loads images that run programs of this repository. */
export async function loadPrograms<Name extends string>(
  { loadImage: [command, ...first] }: Pick<ClusterEnvironment, 'loadImage'>,
  programs: Readonly<Record<Name, Program>>,
  targets: Targets = {},
): Promise<Readonly<Record<Name, string>>> {
  const folder = await pack(targets)
  const content = await digest(folder)
  const load = async ([name, { entry, env = {}, image: called }]: readonly [string, Program]) => {
    const tag = createHash('sha256')
      .update(`${content} ${entry} ${JSON.stringify(env)}`)
      .digest('hex')
      .slice(0, 12)
    const image = called ?? `dev.local/po-test-${name}:${tag}`
    const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    await run(command, [...first, image, '--node', folder, '--entry', entry, ...variables])
    return [name, image] as const
  }
  try {
    return Object.fromEntries(await Promise.all(Object.entries<Program>(programs).map(load))) as Record<Name, string>
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function loadNginx({ loadImage: [command, ...first] }: ClusterEnvironment): Promise<string> {
  const program = await findProgram('nginx')
  const image = 'dev.local/po-test-nginx:1'
  await run(command, [...first, image, '--program', program, '--user', String(NGINX_USER)])
  return image
}

const PROGRAMS = {
  mean: { entry: 'test/sandbox/images/mean.ts' },
  probe: { entry: `${PODS}/probe.ts` },
  node: { entry: `${PODS}/peer.ts` },
}

export async function loadImages(environment: ClusterEnvironment, targets: Targets): Promise<Images> {
  const [nginx, programs] = await Promise.all([
    environment.nginxImage ?? loadNginx(environment),
    loadPrograms(environment, PROGRAMS, targets),
  ])
  return { nginx, ...programs }
}

/** The images of these tests, made from this repository and given to the cluster. */
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
  /** Computes over the patients and ends. */
  readonly mean: string
  /** Tries to get out until it is ended. */
  readonly probe: string
  /** Runs any file of this repository that was packed: `/app/test/…`. */
  readonly node: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PACKED = ['test/sandbox/images', 'test/sandbox/peers', 'test/sandbox/peers.ts', 'test/sandbox/data']
const PODS = 'test/cluster/pods'
/** The user that proxies run as. */
const NGINX_USER = 101

/** What runs in the containers, laid out as here. */
async function pack(targets: Targets): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'po-cluster-'))
  for (const path of [...PACKED, PODS]) await cp(join(ROOT, path), join(folder, path), { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, PODS, 'targets.json'), JSON.stringify(targets))
  // The containers' users are others, whatever this user's mask is.
  await run('chmod', ['-R', 'a+rX', folder])
  return folder
}

/** The user that functions run as, in the Dockerfile too. */
const FUNCTION_USER = 10_000

/**
 * The image of the functions, with the file tree that the Dockerfile makes.
 * @param root of the sources
 * @param mark makes it another image with the same content
 */
export async function loadFunctionImage(
  { loadImage: [command, ...first] }: Pick<ClusterEnvironment, 'loadImage'>,
  root = ROOT,
  mark = '',
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'po-functions-'))
  try {
    await run('chmod', ['a+rx', folder])
    // Before 0.2, the bundler was one folder higher.
    const bundler = ['knative/image/bundle.ts', 'knative/bundle.ts'].find((path) => existsSync(join(root, path)))
    await run('node', [bundler ?? 'knative/image/bundle.ts', join(folder, 'dist'), String(FUNCTION_USER)], {
      cwd: root,
    })
    // What a warm-up leaves differs from time to time: the tag is of what was warmed up.
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

/** The same content has the same tag: a node that has it already keeps it. */
async function digest(folder: string, leftOut?: RegExp): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const all = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = all.filter((file) => !leftOut?.test(file.slice(folder.length)))
  for (const file of files.sort()) hash.update(file.slice(folder.length)).update(await readFile(file))
  return hash.digest('hex').slice(0, 12)
}

/** @throws with what to do when it is not installed */
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

/** What an image of Node runs, and with which variables. */
export interface Program {
  readonly entry: string
  readonly env?: Readonly<Record<string, string>>
  /** What the image is called; default: a name of these tests. */
  readonly image?: string
}

/** Images that run programs of this repository, by name. */
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

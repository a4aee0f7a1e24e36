/** What surrounds the code keeps its promises: commands, pipeline, image, template of the environment, lockfile. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { NODE_FLAGS } from '../knative/image/process.ts'
import { AMBIENT } from '../knative/render/env.ts'
import { differing, RENDERED } from '../knative/render/index.ts'
import { ConfigFault, loadConfig, SETTINGS } from '../shared/settings/config.ts'

const ROOT = new URL('../', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

describe('make', () => {
  const env = { ...process.env, MAKEFLAGS: '', MAKELEVEL: '' } // these tests may themselves run below make
  const make = (...args: string[]) => spawnSync('make', ['-C', ROOT, ...args], { encoding: 'utf8', env })
  const targets = [...read('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, name]) => name)

  test('lists every target when it is called without one', () => {
    const listed = [...make('--no-print-directory').stdout.matchAll(/^ {2}make ([a-z-]+) +\S/gm)].map(
      ([, name]) => name,
    )
    expect(listed).toEqual(targets)
  })
  test('has the targets that the documents name', () => {
    const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'ARCHITECTURE.md']
    const texts = globSync(documents, { cwd: ROOT }).map(read)
    const named = texts.flatMap((text) => [...text.matchAll(/`make ([a-z-]+)/g)].map(([, name]) => name))
    expect(named.filter((name) => !targets.includes(name))).toEqual([])
    expect(named).not.toEqual([])
  })
  test.each(['run', 'demo', 'test', 'test-cluster', 'bench', 'setup'])(
    '%s installs dependencies when they are not',
    (target) => {
      const dry = (...fresh: string[]) => make('--dry-run', '--no-print-directory', ...fresh, target).stdout
      expect(dry('--what-if=package-lock.json')).toContain('npm ci')
      expect(dry('--old-file=node_modules/.package-lock.json')).not.toContain('npm ci')
    },
  )
  test('starts only programs that are there', () => {
    const started = [...read('Makefile').matchAll(/\$\(BIN\)\/(?:node|vitest run(?: --config)?) ([\w./ -]+?\.ts)\b/g)]
    const paths = started.flatMap(([, text = '']) => text.split(' '))
    expect(paths).toContain('test/sandbox/run.ts')
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })
  test('image says what it lacks where there is no docker and no podman', () => {
    const shell = dirname(execFileSync('sh', ['-c', 'command -v make'], { encoding: 'utf8' }))
    const folder = mkdtempSync(join(tmpdir(), 'no-docker-'))
    symlinkSync('/bin/sh', join(folder, 'sh'))
    const made = spawnSync(join(shell, 'make'), ['-C', ROOT, 'image'], { encoding: 'utf8', env: { PATH: folder } })
    rmSync(folder, { recursive: true })
    expect(made.stderr).toContain('neither docker nor podman is on the PATH')
    expect(made.status).not.toBe(0)
  })
})

describe('the pipeline', () => {
  const { on, jobs, permissions } = parse(read('.github/workflows/ci.yaml'))
  const steps = (job: string): { uses?: string; run?: string; if?: string; with?: Record<string, unknown> }[] =>
    jobs[job].steps
  const published = steps('image').filter(({ run }) => run?.includes('docker push'))

  test('runs on every push and pull request', () => {
    expect(on.push).toEqual({ branches: ['**'] })
    expect(Object.keys(on)).toEqual(['push', 'pull_request'])
  })
  test('sets up, verifies and tests, in this order', () => {
    const made = steps('test').flatMap(({ run }) => /^make (\S+)$/.exec(run ?? '')?.[1] ?? [])
    expect(made).toEqual(['setup', 'verify', 'test'])
  })
  test('publishes only what passed, only on push to main, canary and new_hub', () => {
    expect(jobs.image.needs).toBe('test')
    expect(published).toHaveLength(1)
    expect(published[0]?.if).toBe("env.PUBLISH == 'true'")
    const condition: string = jobs.image.env.PUBLISH
    expect(condition).toContain("github.event_name == 'push'")
    expect(JSON.parse(/fromJSON\('(.*?)'\)/.exec(condition)?.[1] ?? '')).toEqual(['main', 'canary', 'new_hub'])
  })
  test('publishes the very image that was tried, and builds no other', () => {
    const builds = steps('image').filter(({ uses }) => uses?.startsWith('docker/build-push-action'))
    expect(builds.map((step) => step.with)).toMatchObject([{ load: true, tags: 'under-test' }])
    expect(published[0]?.run).toContain('docker tag under-test "$tag"')
  })
  test('tags with branch and commit, at ghcr.io below the name of the repository', () => {
    const meta = steps('image').find(({ uses }) => uses?.startsWith('docker/metadata-action'))?.with
    expect(meta?.['images']).toBe(`ghcr.io/\${{ github.repository }}`)
    expect(String(meta?.['tags']).trim().split('\n')).toEqual(['type=ref,event=branch', 'type=sha,format=long,prefix='])
  })
  test('may write packages where it publishes and nothing elsewhere', () => {
    expect(permissions).toEqual({ contents: 'read' })
    expect(jobs.image.permissions).toEqual({ contents: 'read', packages: 'write' })
    expect(jobs.test.permissions).toBeUndefined()
  })
  test('pins every action to a full version', () => {
    const used = Object.keys(jobs)
      .flatMap(steps)
      .flatMap(({ uses }) => uses ?? [])
    expect(used).not.toEqual([])
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/)
  })
})

describe('the image', () => {
  const stages = read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split(/^(?=FROM )/m)
    .slice(1)
    .map((stage) => [...stage.matchAll(/^([A-Z]+) +(.*)$/gm)].map(([, name = '', args = '']) => ({ name, args })))
  const [build = [], final = []] = stages
  const last = (name: string) => final.findLast((instruction) => instruction.name === name)?.args

  test('has two stages on one base, of the Node that runs everything', () => {
    expect(stages).toHaveLength(2)
    expect([build[0]?.args, final[0]?.args]).toEqual([`\${NODE_IMAGE} AS build`, `\${NODE_IMAGE}`])
    const { node } = JSON.parse(read('package.json')).devDependencies
    expect(read('Dockerfile')).toContain(`ARG NODE_IMAGE=node:${node}-slim\n`)
  })
  test('runs as a number that is not root', () => expect(last('USER')).toBe('10000:10000'))
  test('holds the bundles and nothing else of ours', () => {
    const copies = final.filter(({ name }) => name === 'COPY' || name === 'ADD')
    expect(copies.map(({ args }) => args)).toEqual(['--from=build --chown=0:0 /app/dist dist'])
  })
  test('has no package manager', () => {
    const removed = final.find(({ name }) => name === 'RUN')?.args.split(/\s+/)
    for (const tool of [
      '/usr/local/lib/node_modules',
      '/usr/local/bin/npm',
      '/usr/local/bin/corepack',
      '/opt/yarn*',
      '/usr/bin/apt*',
      '/usr/bin/dpkg*',
    ])
      expect(removed).toContain(tool)
  })
  test('warms its compile cache as the user it runs with', () => {
    const user = (stage: typeof build) => stage.findLast((instruction) => instruction.name === 'USER')?.args
    expect(user(build)).toBe(last('USER'))
  })
  test('is told by FUNCTION_TARGET what to run, and hands it the signals', () => {
    expect(JSON.parse(last('ENTRYPOINT') ?? '[]')).toEqual(['node', 'dist/start.mjs'])
    expect(last('EXPOSE')).toBe('8080')
    expect(last('ENV')).toBe(`NODE_ENV=production NODE_OPTIONS=${NODE_FLAGS.join(' ')}`)
  })
  test('is built from sources that are let in, and only those', () => {
    const rules = read('.dockerignore')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
    expect(rules[0]).toBe('*')
    const allowed = rules.slice(1).map((rule) => rule.replace('!', ''))
    expect(allowed.toSorted()).toEqual([
      '.npmrc',
      'functions',
      'knative',
      'package-lock.json',
      'package.json',
      'shared',
    ])
  })
})

describe('.env.template', () => {
  const names = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]
  const groups = names.map((name) => SETTINGS[name].group).filter((group) => group !== 'process')
  const required = names.filter((name) => SETTINGS[name].default === undefined)
  const template = read('.env.template')

  test('is what the table of settings says, like every rendered file', () => {
    expect(differing()).toEqual([])
    expect(RENDERED.map(({ path }) => path)).toContain('.env.template')
    expect(differing((path) => `${read(path)} `)).toEqual(RENDERED.map(({ path }) => path))
    expect(differing(() => undefined)).toEqual(RENDERED.map(({ path }) => path))
  })
  test('names each variable once', () => {
    const found = [...template.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(found.toSorted()).toEqual([...names, ...Object.keys(AMBIENT)].toSorted())
  })
  test('as it is, lacks exactly the values that are required', () => {
    const load = () => loadConfig(groups, parseEnv(template))
    expect(load).toThrow(ConfigFault)
    try {
      load()
    } catch (error) {
      const faults = error instanceof ConfigFault ? error.faults : []
      expect(faults.map((fault) => fault.split(':')[0])).toEqual(required)
    }
  })
  test('filled in, gives the defaults, commented out or not', () => {
    const filled = template
      .replace(/^MONGO_URL=$/m, 'MONGO_URL=mongodb://example.test/')
      .replace(/^([A-Z_]+)=$/gm, '$1=http://example.test/with/more/than/32/characters')
    const uncommented = filled.replace(/^#([A-Z_]+=)/gm, '$1')
    const config = loadConfig(groups, parseEnv(filled))
    expect(loadConfig(groups, parseEnv(uncommented))).toEqual(config)
    expect(config.STATUS_LOOP_INTERVAL).toBe(10)
  })
  test('names what any source reads from the environment', () => {
    const platform = ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'] // every pod has them
    const sources = globSync('{shared,functions}/**/*.ts', { cwd: ROOT }).map(read)
    const used = sources.flatMap((source) =>
      [...source.matchAll(/\benv(?:\[')([A-Z][A-Z_]+)'\]/g)].map(([, name]) => name),
    )
    const known = [...names, ...Object.keys(AMBIENT), ...platform]
    expect([...new Set(used)].filter((name) => !known.includes(name as never))).toEqual([])
    expect(used).not.toEqual([])
  })
})

describe('dependencies', () => {
  interface Locked {
    readonly hasInstallScript?: boolean
    readonly resolved?: string
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  const manifest = JSON.parse(read('package.json'))
  const locked: Record<string, Locked> = JSON.parse(read('package-lock.json')).packages
  const scripted = Object.keys(locked).filter((path) => locked[path]?.hasInstallScript)
  const nameOf = (path: string): string => path.replace(/^.*node_modules\//, '')

  test('run an install script only where package.json says yes, and it decides about each', () => {
    expect(Object.keys(manifest.allowScripts).toSorted()).toEqual([...new Set(scripted.map(nameOf))].toSorted())
  })
  test('that phone home or beg at install may not, twice over', () => {
    const refused = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name] === false)
    expect(refused).toEqual(['@scarf/scarf', 'core-js'])
    expect(manifest.scarfSettings).toEqual({ enabled: false })
  })
  test('are locked for every platform, so that `npm ci` accepts the lockfile', () => {
    const missing = Object.values(locked)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !Object.keys(locked).some((path) => nameOf(path) === name))
    expect(missing).toEqual([])
  })
  test('are locked exactly, and at no particular host', () => {
    const { dependencies, devDependencies } = manifest
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+/)
    expect(Object.values(locked).filter(({ resolved }) => resolved)).toEqual([])
  })
})

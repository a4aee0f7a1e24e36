/** The commit hooks, alone and in a repository of their own. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageFault } from '../.githooks/commit-msg.ts'

const ROOT = new URL('../', import.meta.url).pathname

describe('a commit message', () => {
  test.each([
    ['feat(po): stop wins', undefined],
    ['fix!: no more plain text', undefined],
    ['chore(release)!: 1.0.0', undefined],
    ['docs: say it\n\nBecause.\n', undefined],
    ['docs: say it\n# a comment of git\n', undefined],
    ["Merge branch 'canary'", undefined],
    ['fixup! feat(po): stop wins', undefined],
    ['feat(po): a\n# ------------------------ >8 ------------------------\ndiff --git', undefined],
    ['stop wins', 'not `type(scope): subject`'],
    ['Feat: stop wins', 'not `type(scope): subject`'],
    ['feature(po): stop wins', '`feature` is no type'],
    ['feat(Po): stop wins', '`Po` is no scope'],
    ['feat(): stop wins', '`` is no scope'],
    ['feat(po):stop wins', 'not `type(scope): subject`'],
    ['feat(po):  stop wins', 'one space'],
    ['feat(po):  ', 'empty'],
    ['feat(po): stop wins.', 'full stop'],
    [`feat(po): ${'x'.repeat(91)}`, '101 characters'],
    ['feat(po): stop wins\nat once', 'a blank line is missing'],
    ['', 'not `type(scope): subject`'],
  ])('%j: %s', (message, fault) => {
    if (fault === undefined) expect(messageFault(message)).toBeUndefined()
    else expect(messageFault(message)).toContain(fault)
  })
})

describe('a commit', { timeout: 60_000 }, () => {
  let folder: string
  const environment = () => ({
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@localhost',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@localhost',
  })
  const git = (...args: string[]) => spawnSync('git', args, { cwd: folder, encoding: 'utf8', env: environment() })
  const commit = (message: string) => git('commit', '--message', message)

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hooks-'))
    for (const path of ['.githooks', 'biome.json', 'package.json', '.gitignore'])
      cpSync(join(ROOT, path), join(folder, path), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    git('init', '--quiet', '--initial-branch=main')
    writeFileSync(join(folder, '.git/info/exclude'), 'node_modules\n')
    git('config', 'core.hooksPath', '.githooks')
    git('add', '.')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('of good files with a good message is made, the very first too', () => {
    const made = commit('chore: begin')
    expect(made.stderr).not.toContain('refused')
    expect(made.status).toBe(0)
  })
  test('with another message is refused with an example', () => {
    const { status, stderr } = git('commit', '--allow-empty', '--message', 'begin')
    expect(stderr).toContain('not `type(scope): subject`')
    expect(stderr).toContain('Example: fix(po)')
    expect(status).not.toBe(0)
  })
  test.each([
    ['badly formatted code', 'a.ts', 'export const a = "a";\n', 'a.ts format'],
    ['a lint error', 'b.ts', 'export const b = (x: any) => x\n', 'noExplicitAny'],
    ['broken YAML', 'c.yaml', 'a: [1\n', 'c.yaml: no YAML'],
    ['broken YAML in a later document', 'd.yml', 'a: 1\n---\nb: b: c\n', 'd.yml: no YAML'],
    ['white space at the end of a line', 'e.md', 'text \n', 'e.md:1: trailing whitespace'],
    ['a merge marker', 'f.md', `${'<'.repeat(7)} HEAD\nours\n`, 'f.md:1: leftover conflict marker'],
    ['a file of more than 1 MiB', 'g.bin', 'x'.repeat(1024 * 1024 + 1), 'more than 1 MiB'],
  ])('with %s is refused', (_, name, content, words) => {
    writeFileSync(join(folder, name), content)
    git('add', name)
    const { status, stderr } = commit('chore: try')
    git('rm', '--quiet', '--force', name)
    expect(stderr).toContain(words)
    expect(status).not.toBe(0)
  })
  test.each([
    ['YAML', 'h.yaml', 'a:\n  - 1\n---\nb: 2\n'],
    ['exactly 1 MiB', 'i.bin', 'x'.repeat(1024 * 1024)],
    ['code', 'j.ts', "export const j = 'j'\n"],
  ])('with %s is made', (_, name, content) => {
    writeFileSync(join(folder, name), content)
    git('add', name)
    const made = commit('chore(test): keep')
    expect(made.stderr).not.toContain('refused')
    expect(made.status).toBe(0)
  })
  test('is judged by what is staged, not by what lies around', () => {
    writeFileSync(join(folder, 'k.yaml'), 'a: 1\n')
    git('add', 'k.yaml')
    writeFileSync(join(folder, 'k.yaml'), 'a: [1\n')
    writeFileSync(join(folder, 'unstaged.yaml'), 'a: [1\n')
    expect(commit('chore: staged').status).toBe(0)
  })
  test('without dependencies says how to get them', () => {
    rmSync(join(folder, 'node_modules'))
    const { status, stderr } = git('commit', '--allow-empty', '--message', 'chore: try')
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    expect(stderr).toContain('make setup')
    expect(status).not.toBe(0)
  })
  test('hooks may be executed', () => {
    for (const hook of ['commit-msg', 'pre-commit', 'run'])
      expect(statSync(join(ROOT, '.githooks', hook)).mode & 0o111, hook).toBe(0o111)
  })
})

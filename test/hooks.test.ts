/** The commit hooks: the rule for messages by itself, and the hooks in a repository of their own. */
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
    ['feature(po): stop wins', '`feature` is not a type'],
    ['feat(Po): stop wins', '`Po` is not a scope'],
    ['feat(): stop wins', '`` is not a scope'],
    ['feat(po):stop wins', 'not `type(scope): subject`'],
    ['feat(po):  stop wins', 'one space'],
    ['feat(po):  ', 'empty'],
    ['feat(po): stop wins.', 'full stop'],
    [`feat(po): ${'x'.repeat(62)}`, undefined],
    [`feat(po): ${'x'.repeat(63)}`, '73 characters, more than 72'],
    ['fix(po): stop wins; fix(dt): so does terminate', 'two changes'],
    ['fix(po): stop wins\n\nIt did not; now it does.', undefined],
    ['feat(po): stop wins\nat once', 'must be blank'],
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

  test('with good files and a good message succeeds, also as the first of a repository', () => {
    const made = commit('chore: begin')
    expect(made.stderr).not.toContain('refused')
    expect(made.status).toBe(0)
  })
  test('with a bad message is refused with an example', () => {
    const { status, stderr } = git('commit', '--allow-empty', '--message', 'begin')
    expect(stderr).toContain('not `type(scope): subject`')
    expect(stderr).toContain('Example: fix(po)')
    expect(status).not.toBe(0)
  })
  test.each([
    ['badly formatted code', 'a.ts', 'export const a = "a";\n', 'a.ts format'],
    ['a lint error', 'b.ts', 'export const b = (x: any) => x\n', 'noExplicitAny'],
    ['broken YAML', 'c.yaml', 'a: [1\n', 'c.yaml: not valid YAML'],
    ['broken YAML in a later document', 'd.yml', 'a: 1\n---\nb: b: c\n', 'd.yml: not valid YAML'],
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
  ])('with %s succeeds', (_, name, content) => {
    writeFileSync(join(folder, name), content)
    git('add', name)
    const made = commit('chore(test): keep')
    expect(made.stderr).not.toContain('refused')
    expect(made.status).toBe(0)
  })
  test('is checked by what is staged, not by the working tree', () => {
    writeFileSync(join(folder, 'k.yaml'), 'a: 1\n')
    git('add', 'k.yaml')
    writeFileSync(join(folder, 'k.yaml'), 'a: [1\n')
    writeFileSync(join(folder, 'unstaged.yaml'), 'a: [1\n')
    expect(commit('chore: staged').status).toBe(0)
  })
  test('without installed dependencies is refused and names `make setup`', () => {
    rmSync(join(folder, 'node_modules'))
    const { status, stderr } = git('commit', '--allow-empty', '--message', 'chore: try')
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    expect(stderr).toContain('make setup')
    expect(status).not.toBe(0)
  })
  test('hook files are executable', () => {
    for (const hook of ['commit-msg', 'pre-commit', 'run'])
      expect(statSync(join(ROOT, '.githooks', hook)).mode & 0o111, hook).toBe(0o111)
  })
  describe('range', () => {
    const RULE = join(ROOT, '.githooks/commit-msg.ts')
    const check = (range: string) =>
      spawnSync(process.execPath, [RULE, '--range', range], { cwd: folder, encoding: 'utf8', env: environment() })
    /** As from a clone without hooks. */
    const unchecked = (message: string) => git('commit', '--allow-empty', '--no-verify', '--message', message)

    beforeAll(() => {
      git('tag', 'start')
      unchecked('docs(twins): explain `--range`\n\nA body; with lines\nof any kind.')
      git('tag', 'good')
      unchecked(`fix(po): ${'x'.repeat(70)}`)
      unchecked('fix: one; fix: two')
      git('tag', 'bad')
      unchecked('test(po): one more')
    })

    test('of good commits passes and counts them', () => {
      expect(check('start..good')).toMatchObject({ status: 0, stdout: '1 commit messages checked\n', stderr: '' })
    })
    test('without commits passes', () => {
      expect(check('good..good')).toMatchObject({ status: 0, stdout: '0 commit messages checked\n' })
    })
    test('with bad commits is refused and names each', () => {
      const { status, stderr } = check('start..HEAD')
      expect(stderr).toMatch(/^2 of 4 commit messages refused:\n/)
      expect(stderr).toMatch(/^[0-9a-f]+ fix\(po\): x+\n {2}the first line has 79 characters, more than 72$/m)
      expect(stderr).toMatch(/^[0-9a-f]+ fix: one; fix: two\n {2}the subject joins two changes with `;`/m)
      expect(status).toBe(1)
    })
    test('ends before the commits that follow it', () => {
      expect(check('bad..HEAD').status).toBe(0)
    })
    test.each(['nonsense..HEAD', ''])('%j, which Git does not know, fails with its error', (range) => {
      expect(check(range)).toMatchObject({ status: 2, stderr: expect.stringMatching(/^fatal: /) })
    })
  })
})

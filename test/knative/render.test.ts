import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderPingSource } from '../../knative/manifests/status-loop.ts'
import { NOTICE } from '../../knative/manifests/yaml.ts'
import { differing, RENDERED } from '../../knative/render/index.ts'
import { MANIFESTS, strays } from '../../knative/render/manifests.ts'
import { readText } from './read.ts'

describe('rendered manifests', () => {
  test('equal their tables, without other files beside them', () => {
    expect(differing()).toEqual([])
    expect(strays()).toEqual([])
  })
  test('are written and checked like every rendered file', () => {
    const paths = RENDERED.map(({ path }) => path)
    expect(MANIFESTS.filter(({ path }) => !paths.includes(path))).toEqual([])
    const edited = differing((path) => readText(path).replace('name: po-status\n', 'name: po-state\n'))
    expect(edited).toContain('knative/config/base/services/po-status.yaml')
  })
  test('say so at their beginning', () => {
    const marks = [NOTICE, NOTICE.replace('the tables of the code', 'shared/routes/index.ts')]
    // A program that lies in two places is the same in both.
    const unmarked = MANIFESTS.filter(({ path }) => !path.endsWith('.ts')).filter(
      ({ path }) => !marks.some((mark) => readText(path).startsWith(mark)),
    )
    expect(unmarked.map(({ path }) => path)).toEqual([])
  })
  test('of removed functions are strays', () => {
    const root = mkdtempSync(join(tmpdir(), 'strays-'))
    const left = [
      'knative/config/base/services/po-gone.yaml',
      'knative/config/base/rbac/po-gone.yaml',
      'functions/po/gone/func.yaml',
    ]
    for (const path of [...left, 'knative/config/base/services/po-status.yaml', 'knative/config/base/migrate.yaml']) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), '')
    }
    expect(strays(root).toSorted()).toEqual(left.toSorted())
    rmSync(root, { recursive: true })
  })
  test.each([
    ['10', ''],
    ['45', '# Ticks come every 15 s; each 45 s one of them is let through.\n'],
    ['7', '6 or 10 s would need one tick per sweep'],
  ])('of an interval of %s s say how it is ticked', (seconds, remark) => {
    const text = renderPingSource(`STATUS_LOOP_INTERVAL=${seconds}`)
    expect(text).toContain(remark)
    expect(text.includes('# Ticks')).toBe(remark !== '')
  })
})

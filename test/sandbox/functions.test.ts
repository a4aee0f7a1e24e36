import { expect, test } from 'vitest'
import { routes } from '../../shared/routes/index.ts'
import { startFunctions } from './functions.ts'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a function with copies runs as so many processes, each at its own address; all end', async () => {
  const copies = (route: { readonly name: string }) => (route.name === routes.po.docs.name ? 3 : 1)
  const functions = await startFunctions({ routes: [routes.po.docs], env: {}, copies })
  const all = functions.copiesOf(routes.po.docs)
  try {
    expect(new Set(all.map(({ pid }) => pid)).size).toBe(3)
    expect(new Set(all.map(({ port }) => port)).size).toBe(3)
    expect(functions.running.size).toBe(1)
    expect(functions.addressOf(routes.po.docs)).toBe(all[0]?.url)
    expect(functions.copiesOf(routes.po.status)).toEqual([])
    for (const { url } of all) expect((await fetch(`${url}/health/liveness`)).status).toBe(200)
  } finally {
    await functions.stop()
  }
  expect(all.filter(({ pid }) => isAlive(pid))).toEqual([])
})

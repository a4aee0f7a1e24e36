/** The obligations of every `Identity`, tested on an adapter and its server from the view of other services. */
import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { isFault } from '../../shared/platform/fault.ts'
import type { AnalysisId } from '../../shared/po/model.ts'
import type { Identity } from '../../shared/po/ports/identity.ts'

export interface IdentityWorld {
  /** A new adapter with empty caches, with the right or a wrong secret of the node. */
  readonly identity: (how?: 'wrong secret') => Identity
  /** Issuer of the realm's tokens. */
  readonly issuer: string
  /** The keys that other services verify tokens with accept this one. */
  readonly accepts: (token: string) => Promise<boolean>
}

export const someId = (): AnalysisId => randomUUID() as AnalysisId

/** As many as a small Keycloak serves at a time. */
const chunks = (ids: readonly AnalysisId[]): readonly (readonly AnalysisId[])[] =>
  Array.from({ length: Math.ceil(ids.length / 15) }, (_, index) => ids.slice(index * 15, index * 15 + 15))

export function identityConformance(name: string, world: () => IdentityWorld): void {
  describe(`Identity: ${name}`, () => {
    const made: AnalysisId[] = []
    const newId = (): AnalysisId => {
      const id = someId()
      made.push(id)
      return id
    }
    afterAll(async () => {
      const identity = world().identity()
      for (const ids of chunks(made)) await Promise.all(ids.map((id) => identity.removeClient(id)))
    })

    test('the token of an analysis names it and the realm, is accepted, and expires when it says', async () => {
      const id = newId()
      const token = await world().identity().issueToken(id)
      const claims = decodeJwt(token.value)
      expect(claims).toMatchObject({ azp: id, iss: world().issuer, typ: 'Bearer' })
      expect(await world().accepts(token.value)).toBe(true)
      expect(Math.abs(token.expiresAt.getTime() - (claims.exp ?? 0) * 1000)).toBeLessThan(5_000)
      expect(token.expiresAt.getTime()).toBeGreaterThan(Date.now())
    })

    test('a second token is for the same client: its subject stays', async () => {
      const id = newId()
      const first = decodeJwt((await world().identity().issueToken(id)).value)
      const second = decodeJwt((await world().identity().issueToken(id)).value)
      expect(second.sub).toBe(first.sub)
      expect(second.jti).not.toBe(first.jti)
    })

    test('a token of a client that is there makes none where there is none', async () => {
      const id = newId()
      const identity = world().identity()
      expect(await identity.tokenOf(id)).toBeUndefined()
      expect(await identity.listClients()).not.toContain(id)
      const first = decodeJwt((await identity.issueToken(id)).value)
      expect(decodeJwt((await identity.tokenOf(id))?.value ?? '').sub).toBe(first.sub)
    })

    test('eight tokens for one new id at the same time come from one client', async () => {
      const id = newId()
      const tokens = await Promise.all(Array.from({ length: 8 }, () => world().identity().issueToken(id)))
      expect(new Set(tokens.map(({ value }) => decodeJwt(value).sub)).size).toBe(1)
      expect((await world().identity().listClients()).filter((listed) => listed === id)).toHaveLength(1)
    })

    test('the list has clients of analyses only, on all pages', async () => {
      const identity = world().identity()
      const ids = Array.from({ length: 105 }, newId)
      for (const some of chunks(ids)) await Promise.all(some.map((id) => identity.issueToken(id)))
      const listed = await identity.listClients()
      expect(listed).toEqual(expect.arrayContaining(ids))
      expect(new Set(listed).size).toBe(listed.length)
      expect(listed.filter((id) => !/^[0-9a-f-]{36}$/.test(id))).toEqual([])
    })

    test('a removed client is gone; removing it again is false; a later token makes a new one', async () => {
      const id = newId()
      const identity = world().identity()
      const before = decodeJwt((await identity.issueToken(id)).value)
      expect(await identity.removeClient(id)).toBe(true)
      expect(await identity.listClients()).not.toContain(id)
      expect(await identity.removeClient(id)).toBe(false)
      expect(decodeJwt((await identity.issueToken(id)).value).sub).not.toBe(before.sub)
    })

    test('of two callers that remove a client at the same time one does; the other may be told to come again', async () => {
      const id = newId()
      await world().identity().issueToken(id)
      const removals = [world().identity().removeClient(id), world().identity().removeClient(id)]
      const outcomes = (await Promise.allSettled(removals)).map((settled) =>
        settled.status === 'fulfilled' ? settled.value : isFault(settled.reason, 'unavailable'),
      )
      expect(outcomes).toContain(true)
      expect(await world().identity().listClients()).not.toContain(id)
      expect(await world().identity().removeClient(id)).toBe(false)
    })

    test.each(['issueToken', 'tokenOf', 'removeClient', 'listClients'] as const)(
      '%s with a wrong secret of the node is refused, and the secret is not told',
      async (verb) => {
        const failure = await world()
          .identity('wrong secret')
          [verb](someId())
          .then(
            () => undefined,
            (error: unknown) => error,
          )
        expect(isFault(failure, 'refused')).toBe(true)
        expect(String((failure as Error).message)).toMatch(/^Keycloak refused to issue the token of the orchestrator/)
        expect(String(failure)).not.toContain(WRONG_SECRET)
      },
    )
  })
}

export const WRONG_SECRET = 'not-the-secret-of-this-node'

/** Tests that enumerate: CI runs all cases, `make test` elsewhere a part of them. `CI=true make test` runs all here, too. */
export const isWhole = Boolean(process.env['CI'])

/** Of a list of cases, all in CI, elsewhere every fourth. */
export const sampled = <Case>(cases: readonly Case[]): readonly Case[] =>
  isWhole ? cases : cases.filter((_, nth) => nth % 4 === 0)

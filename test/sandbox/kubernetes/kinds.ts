/** The kinds an API serves: those of the table, and those that CustomResourceDefinitions add while it runs. */
import { apiVersionOf, KINDS, type Kind, type KubeObject } from './objects.ts'

export interface Kinds {
  all(): readonly Kind[]
  of(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Kind
  /** Takes the place of a custom kind of the same group and plural. */
  define(kind: Kind): void
  forget(kind: Kind): void
}

export function createKinds(): Kinds {
  let kinds = KINDS
  const others = ({ group, plural }: Kind) => kinds.filter((one) => one.group !== group || one.plural !== plural)
  return {
    all: () => kinds,
    of({ apiVersion, kind }) {
      const found = kinds.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion)
      if (!found) throw new Error(`unknown kind ${apiVersion}, ${kind}`)
      return found
    },
    define(kind) {
      kinds = [...others(kind), kind]
    },
    forget(kind) {
      kinds = others(kind)
    },
  }
}

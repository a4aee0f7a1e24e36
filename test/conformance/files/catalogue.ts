/** The obligations of every Catalogue (`shared/files/ports.ts`). */
import { adding } from './catalogue/adding.ts'
import { discarding } from './catalogue/discarding.ts'
import { removing } from './catalogue/removing.ts'
import { replacing } from './catalogue/replacing.ts'
import type { CatalogueTarget } from './catalogue/subject.ts'

export function catalogueConformance(name: string, fresh: () => Promise<CatalogueTarget>): void {
  for (const part of [adding, replacing, removing, discarding]) part(name, fresh)
}

/** `kn po routes`: the table of functions that this command was made with. Asks nobody. */
import { poRoutes, type Route } from '../../shared/routes/index.ts'
import { grantsOf } from '../manifests/grants.ts'
import { asJson, table } from './table.ts'
import type { VerbContext } from './work.ts'

const caller = ({ trigger, auth }: Route): string => (trigger === 'event' ? 'CloudEvents' : auth)

/** A line per endpoint; what concerns the function stands on its first. */
const rowsOf = (route: Route): readonly (readonly string[])[] =>
  route.endpoints.map(({ method, path }, at) =>
    at === 0 ? [route.name, method, path, caller(route), grantsOf(route)] : ['', method, path, '', ''],
  )

export async function listRoutes({ input, terminal }: Pick<VerbContext, 'input' | 'terminal'>): Promise<void> {
  const head = ['FUNCTION', 'METHOD', 'PATH', 'CALLER', 'KUBERNETES']
  terminal.out(input.json ? asJson(poRoutes) : table(head, poRoutes.flatMap(rowsOf)))
}

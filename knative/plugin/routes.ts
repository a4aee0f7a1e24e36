/** `kn po routes`: prints the route table of this build; it sends no request. */
import { poRoutes, type Route } from '../../shared/routes/index.ts'
import { grantsOf } from '../manifests/grants.ts'
import type { VerbContext } from './context.ts'
import { formatJson, formatTable } from './table.ts'

const caller = ({ trigger, auth }: Route): string => (trigger === 'event' ? 'CloudEvents' : auth)

const rowsOf = (route: Route): readonly (readonly string[])[] =>
  route.endpoints.map(({ method, path }, at) =>
    at === 0 ? [route.name, method, path, caller(route), grantsOf(route)] : ['', method, path, '', ''],
  )

export async function listRoutes({ input, terminal }: Pick<VerbContext, 'input' | 'terminal'>): Promise<void> {
  const head = ['FUNCTION', 'METHOD', 'PATH', 'CALLER', 'KUBERNETES']
  terminal.out(input.json ? formatJson(poRoutes) : formatTable(head, poRoutes.flatMap(rowsOf)))
}

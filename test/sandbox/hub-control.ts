/** The `/_sandbox` endpoints of the Hub stand-in: register analyses, read reports, inject and clear faults. */
import { type Body, hubError, parseBody } from './hub-dialect.ts'
import type { HubWorld } from './hub-world.ts'
import type { Break, Incoming, Reply, StandIn } from './stand-in.ts'

export function createControl(world: HubWorld, standIn: StandIn) {
  const register = (body: Body): Reply => {
    const { id, partners } = body
    if (typeof id !== 'string') return hubError(400, 'bad_request', 'id is missing')
    return { status: 200, body: world.register(id, typeof partners === 'number' ? partners : undefined) }
  }

  const breakAll = (body: Body): Reply => {
    const how = breakOf(body)
    if (!how) return hubError(400, 'bad_request', 'kind is one of down, error, slow')
    standIn.fail(/./, how, Number(body['times'] ?? Number.POSITIVE_INFINITY))
    return { status: 200, body: {} }
  }

  const heal = (): Reply => {
    standIn.heal()
    return { status: 200, body: {} }
  }

  const rooms: Readonly<Record<string, (body: Body, id: string | undefined) => Reply>> = {
    'GET analyses': (_, id) => ({ status: 200, body: id ? world.told(id) : Object.fromEntries(world.records) }),
    'POST analyses': register,
    'POST faults': breakAll,
    'DELETE faults': heal,
  }

  return ({ method, text }: Incoming, path: string): Reply => {
    const [, room, id] = path.split('/')
    const answer = rooms[`${method} ${room}`]
    return answer ? answer(parseBody(text) ?? {}, id) : hubError(404, 'entity_not_found', 'no such path')
  }
}

function breakOf(body: Body): Break | undefined {
  if (body['kind'] === 'down') return 'close'
  if (body['kind'] === 'error') return hubError(500, 'internal_error', 'injected')
  return body['kind'] === 'slow' ? { lateMs: Number(body['ms'] ?? 1000) } : undefined
}

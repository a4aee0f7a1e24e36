/** Services in PostgreSQL, and the ids that new ones get. */
import { randomBytes } from 'node:crypto'
import { checkAuthority, createStore } from '../adapters/postgres/dt/index.ts'
import type { ServiceId } from '../dt/model.ts'
import type { Ports } from '../dt/ports.ts'
import { objectIdOf } from '../files/id.ts'
import { databaseOf } from './database.ts'
import type { DtWiring } from './dt.ts'

const wiring: DtWiring<Pick<Ports, 'store' | 'newId'>> = (context) => ({
  store: createStore(databaseOf(context)),
  newId: () => objectIdOf(context.ambient.now(), randomBytes(8)) as string as ServiceId,
})

export const dtStore = Object.assign(wiring, { check: checkAuthority })

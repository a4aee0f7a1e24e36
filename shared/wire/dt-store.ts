/** Services in PostgreSQL, and the ids that new ones get. */
import { randomBytes } from 'node:crypto'
import { checkAuthority, createDtStore } from '../adapters/postgres/dt/index.ts'
import { parseServiceId } from '../dt/model.ts'
import type { DtPorts } from '../dt/ports.ts'
import { objectIdOf } from '../files/id.ts'
import type { Wiring } from './context.ts'
import { databaseOf } from './database.ts'

const wiring: Wiring<Pick<DtPorts, 'store' | 'newId'>> = (context) => ({
  store: createDtStore(databaseOf(context)),
  newId: () => objectIdOf(parseServiceId, context.ambient.now(), randomBytes(8)),
})

export const dtStore = Object.assign(wiring, { check: checkAuthority })

import { checkAuthority, createPoStore } from '../adapters/postgres/po/index.ts'
import type { PoPorts } from '../po/ports.ts'
import type { Wiring } from './context.ts'
import { databaseOf } from './database.ts'

const wiring: Wiring<Pick<PoPorts, 'store'>> = (context) => ({ store: createPoStore(databaseOf(context)) })

export const store = Object.assign(wiring, { check: checkAuthority })

import { createStore } from '../adapters/postgres/index.ts'
import type { Ports } from '../po/ports.ts'
import { databaseOf } from './database.ts'
import type { Wiring } from './index.ts'

export const store: Wiring<Pick<Ports, 'store'>> = (context) => ({ store: createStore(databaseOf(context)) })

import { checkAuthority, connect, createStore } from '../adapters/postgres/index.ts'
import type { Ports } from '../po/ports.ts'
import type { Wiring } from './index.ts'

const wiring: Wiring<Pick<Ports, 'store'>> = ({ config }) => ({ store: createStore(connect(config)) })

export const store = Object.assign(wiring, { check: checkAuthority })

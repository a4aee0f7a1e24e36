import { connect, createStore } from '../adapters/postgres/index.ts'
import type { Ports } from '../po/ports.ts'
import type { Wiring } from './index.ts'

export const store: Wiring<Pick<Ports, 'store'>> = ({ config }) => ({ store: createStore(connect(config)) })

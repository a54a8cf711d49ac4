import { admin } from './admin/module'
import { booking } from './booking/module'
import { calls } from './calls/module'
import { card } from './card/module'
import { customers } from './customers/module'
import { desk } from './desk/module'
import { directory } from './directory/module'
import { messages } from './messages/module'
import type { FeatureModule } from './module'
import { reports } from './reports/module'
import { settings } from './settings/module'
import { wallboard } from './wallboard/module'

export const features: FeatureModule[] = [desk, customers, calls, messages, directory, booking, card, wallboard, reports, admin, settings]

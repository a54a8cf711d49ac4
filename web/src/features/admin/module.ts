import type { FeatureModule } from '../module'

export const admin: FeatureModule = { routes: [], menu: [] }

import type { Component } from 'vue'
import type { RouteRecordRaw } from 'vue-router'

/** One entry of the left navigation. */
export interface MenuItem {
  name: string
  label: string
  icon: Component
  group: 'work' | 'booking' | 'money' | 'insight' | 'admin' | 'none'
  /** Any one of these permissions shows the entry. */
  needs: string[]
  /** Shown only to those who have a working profile at the telephone. */
  agent?: boolean
}

/** What a feature gives to the application: its pages and its menu. */
export interface FeatureModule {
  routes: RouteRecordRaw[]
  menu: MenuItem[]
}

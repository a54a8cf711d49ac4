import { defineConfig } from '@playwright/test'
import all from './playwright.config.js'

// Photographs every page into docs/screenshots.
export default defineConfig({ ...all, projects: undefined, testDir: './screenshots', testMatch: '*.ts', workers: 1, timeout: 240_000 })

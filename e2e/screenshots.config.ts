import { defineConfig } from '@playwright/test'
import all from './playwright.config.js'

// Photographs every page into docs/screenshots.
export default defineConfig({ ...all, testDir: './screenshots', testMatch: '*.ts', timeout: 240_000 })

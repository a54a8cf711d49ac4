import { defineConfig } from '@playwright/test'

// One worker: every file has a hospital and real-time sound of its own, and
// two cores are enough for one of them at a time.
export default defineConfig({
  testDir: './tests',
  outputDir: './out',
  globalSetup: './support/seed.ts',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  // Real time on a machine that others may load: one second chance, reported as flaky.
  retries: process.env.CI ? 1 : 0,
  reporter: [['list']],
  forbidOnly: !!process.env.CI,
})

import { defineConfig } from '@playwright/test'

/** Those with real-time sound: where two cores start a second program and browser beside it, a prompt stumbles. */
const phones = /(agent-loss|booking-phone|first-call|kill|phones|try)\.spec\.ts/
/** What measures speed wants no neighbour. */
const speed = /lighthouse\.spec\.ts/

// Every file has a hospital of its own, so screens run two at a time. `make e2e`
// runs the phones before them.
export default defineConfig({
  testDir: './tests',
  outputDir: './out',
  globalSetup: './support/seed.ts',
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  // Real time on a machine that others may load: one second chance, reported as flaky.
  retries: process.env.CI ? 1 : 0,
  reporter: [['list']],
  forbidOnly: !!process.env.CI,
  projects: [
    { name: 'phones', testMatch: phones, workers: 1 },
    { name: 'screens', testIgnore: [phones, speed] },
    { name: 'speed', testMatch: speed, workers: 1 },
  ],
})

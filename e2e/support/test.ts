// Playwright's test, which leaves pictures of every open browser and the log
// of the server beside a failure.
import { test as base } from '@playwright/test'
import { writeFileSync } from 'node:fs'
import { sitters } from './browser.js'

export { expect } from '@playwright/test'

export const test = base.extend<{ evidence: void }>({
  evidence: [
    async ({}, use, info) => {
      await use()
      if (info.status === info.expectedStatus) return
      let n = 0
      const logs = new Set<string>()
      for (const s of sitters) {
        await s.page.screenshot({ path: info.outputPath(`browser-${++n}.png`), timeout: 5000 }).catch(() => {})
        writeFileSync(info.outputPath(`browser-${n}.txt`), s.told.join('\n'))
        logs.add(s.hospital.log)
      }
      writeFileSync(info.outputPath('server.log'), [...logs].join('\n----\n'))
    },
    { auto: true },
  ],
})

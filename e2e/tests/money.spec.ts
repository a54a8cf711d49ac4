// The prepaid card at the counter: money in and out, four eyes on a
// correction, receipts that can be read, and a day that adds up.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { barriers } from '../support/axe.js'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import type { Session } from '../support/session.js'
import { expect, test } from '../support/test.js'

let hospital: Hospital
let boss: Session
let s: Sitter
let patient: { id: string; name: string }

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  boss = await hospital.as('supervisor')
  ;[patient] = await boss.items('/api/patients?q=13971000005')
  s = await Sitter.open(hospital)
  await s.as('supervisor')
})

test.afterAll(async () => {
  await s?.close()
  await hospital?.close()
})

const button = (key: string) => s.page.getByRole('button', { name: s.words(key), exact: true })
const dialog = () => s.page.getByRole('dialog')
const available = () => s.page.locator('[data-test=available]')
const account = () => boss.get(`/api/ledger/accounts/${patient.id}`)

test('money is put on the card and paid back, and the balance is right', async () => {
  const before = (await account()).available_cents as number
  await s.visit(`/card?patient=${patient.id}`)
  await button('card.top_up').click()
  await dialog().getByRole('textbox', { name: s.words('card.amount_yuan') }).fill('123.45')
  await dialog().locator('.el-dialog__footer .el-button--primary').click()
  await expect(dialog()).toBeHidden()
  await button('card.payout').click()
  const field = dialog().getByRole('textbox', { name: s.words('card.amount_yuan') })
  await field.fill('99999999')
  await expect(dialog().locator('.el-form-item__error')).toBeVisible() // more than there is
  await field.fill('23.45')
  await expect(dialog().locator('.el-dialog__footer .el-button--primary')).toBeDisabled() // without a reason
  await dialog().getByRole('textbox', { name: s.words('card.reason') }).fill('患者离院')
  await dialog().locator('.el-dialog__footer .el-button--primary').click()
  await expect(dialog()).toBeHidden()
  const now = await account()
  expect(now.available_cents).toBe(before + 10000)
  expect(now.balance_cents).toBe(now.entries[0].available_cents + now.entries[0].held_cents)
  await expect(available()).toHaveText(`¥${((before + 10000) / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })}`)
  expect(await barriers(s)).toEqual([])
})

test('the receipt is a PDF that says what was paid', async () => {
  const [refund, topUp] = (await account()).entries
  for (const [entry, amount] of [[topUp, '123.45'], [refund, '23.45']] as const) {
    await expect(s.page.getByRole('link', { name: entry.receipt })).toHaveAttribute('target', '_blank')
    for (const lang of ['zh-CN', 'en']) {
      const file = path.join(hospital.folder, `receipt-${lang}.pdf`)
      writeFileSync(file, await boss.bytes(`/api/ledger/receipts/${entry.id}/receipt.pdf?lang=${lang}`))
      const text = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
      expect(text).toContain(amount)
      expect(text).toContain(entry.receipt)
    }
  }
})

test('a PIN is set twice the same, and taken away', async () => {
  await button((await account()).has_pin ? 'card.pin_change' : 'card.pin_give').click()
  const pin = dialog().getByLabel(s.words('card.pin_new'))
  const again = dialog().getByLabel(s.words('card.pin_again'))
  await pin.fill('583920')
  await again.fill('583921')
  await expect(dialog().getByText(s.words('card.pin_differs'))).toBeVisible()
  await expect(dialog().locator('.el-button--primary')).toBeDisabled()
  await again.fill('583920')
  await dialog().locator('.el-button--primary').click()
  await expect(s.page.getByText(s.words('card.pin_set'))).toBeVisible()
  expect((await account()).has_pin).toBe(true)
  await button('card.pin_remove').click()
  await s.page.locator('.el-popconfirm .el-button--primary').click()
  await expect(s.page.getByText(s.words('card.pin_none'))).toBeVisible()
  expect((await account()).has_pin).toBe(false)
})

test('a correction needs a second person', async () => {
  const before = (await account()).available_cents as number
  await button('card.adjust').click()
  await dialog().getByRole('textbox', { name: s.words('card.amount_yuan') }).fill('8')
  await dialog().getByRole('textbox', { name: s.words('card.reason') }).fill('重复扣费')
  await dialog().locator('.el-dialog__footer .el-button--primary').click()
  await expect(s.page.locator('.waiting')).toContainText('重复扣费')
  expect((await account()).available_cents, 'nothing moved').toBe(before)

  // Whoever asked can only take it back: on the screen, and at the server.
  await s.visit('/adjustments')
  const row = s.page.getByRole('row').filter({ hasText: '重复扣费' })
  await expect(row).toContainText(s.words('card.needs_other'))
  await expect(row.getByRole('button', { name: s.words('card.approve') })).toHaveCount(0)
  expect(await barriers(s)).toEqual([])
  const [asked] = await boss.items('/api/ledger/adjustments?state=pending')
  const refused = await boss.call('POST', `/api/ledger/adjustments/${asked.id}/approve`, {})
  expect(refused.status).toBe(403)
  expect(await refused.text()).toContain('ledger.two_persons')
  // An agent may neither ask nor approve.
  const agent = await hospital.as('agent1')
  expect((await agent.call('POST', `/api/ledger/adjustments/${asked.id}/approve`, {})).status).toBe(403)
  expect((await account()).available_cents).toBe(before)

  await s.as('admin')
  await s.visit('/adjustments')
  await s.page.getByRole('row').filter({ hasText: '重复扣费' }).getByRole('button', { name: s.words('card.approve') }).click()
  await dialog().getByRole('textbox', { name: s.words('card.note') }).fill('已核对')
  await dialog().getByRole('button', { name: s.words('card.approve_now') }).click()
  await expect(dialog()).toBeHidden()
  const now = await account()
  expect(now.available_cents).toBe(before + 800)
  expect(now.entries[0]).toMatchObject({ kind: 'adjustment', amount_cents: 800 })
})

test('the day is counted, its differences stand out, and it is exported', async () => {
  await s.as('supervisor')
  await s.visit('/reconciliation')
  const row = s.page.getByRole('row').filter({ hasText: s.words('paymethod.cash') })
  const { methods, date } = await boss.get('/api/ledger/reconciliation')
  const cash = methods.find((m: { method: string }) => m.method === 'cash')
  const expected = cash.in_cents - cash.out_cents
  const count = async (cents: number) => {
    await row.getByRole('button').first().click()
    await row.getByRole('textbox', { name: s.words('recon.counted') }).fill((cents / 100).toFixed(2))
    await row.getByRole('button', { name: s.words('common.save') }).click()
    await expect(row.getByRole('textbox')).toHaveCount(0)
  }
  await count(expected - 500)
  await expect(row).toContainText('−¥5.00')
  await expect(s.page.locator('.state.warn')).toBeVisible()
  expect(await barriers(s)).toEqual([])
  await count(expected)
  await expect(row).toContainText(s.words('recon.agrees'))
  const coming = s.page.waitForEvent('download')
  await s.page.getByRole('button', { name: s.words('common.export') }).click()
  const file = await coming
  expect(file.suggestedFilename()).toBe(`card-ledger-${date}.csv`)
  const csv = (await boss.bytes('/api/ledger/reconciliation/export')).toString('utf8')
  expect(csv).toContain('123.45')
  expect(csv).toContain('top_up')
  expect((await boss.get('/api/ledger/reconciliation')).problems).toEqual([])
})

test('the card is on the record of the customer, and only for those who may see it', async () => {
  await s.visit(`/customers/${patient.id}?tab=card`)
  await expect(available()).toBeVisible()
  await s.as('doctor') // may read appointments and no ledger
  await s.visit(`/customers/${patient.id}?tab=card`)
  await expect(s.page.getByRole('tab', { name: s.words('person.card') })).toHaveCount(0)
  await expect(s.page.getByRole('link', { name: s.words('menu.reconciliation') })).toHaveCount(0)
  const doctor = await hospital.as('doctor')
  expect((await doctor.call('GET', `/api/ledger/accounts/${patient.id}`)).status).toBe(403)
})

test('the pages can be used by everybody in English too', async () => {
  const en = await Sitter.open(hospital, { locale: 'en' })
  try {
    await en.as('admin')
    for (const p of [`/card?patient=${patient.id}`, '/adjustments', '/reconciliation']) {
      await en.visit(p)
      expect(en.rawKeys(await en.page.locator('body').innerText())).toEqual([])
      expect(await barriers(en)).toEqual([])
    }
  } finally {
    await en.close()
  }
})

// Around the record: duplicates, imports, consents, and what people may ask of
// their data, as the people of the hospital do it on the screen.
import { AxeBuilder } from '@axe-core/playwright'
import { Sitter } from '../support/browser.js'
import { Hospital } from '../support/hospital.js'
import { expect, test } from '../support/test.js'
import { eventually } from '../support/wait.js'

let hospital: Hospital
let boss: Sitter

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  hospital = await Hospital.open()
  boss = await Sitter.open(hospital)
  await boss.as('supervisor')
})

test.afterAll(async () => {
  await boss?.close()
  await hospital?.close()
})

/* eslint-disable @typescript-eslint/no-explicit-any */
type Body = Record<string, any>
const person = async (body: Body): Promise<Body> => (await hospital.as('supervisor')).send('POST', '/api/patients', body)
const button = (key: string, s = boss) => s.page.getByRole('button', { name: s.words(key), exact: true })
const confirm = (s = boss) => s.page.locator('.el-popconfirm:visible .el-button--primary').click()

test('two records of one person become one, and two again', async () => {
  const a = await person({ name: '欧阳晴川', sex: 'female', birth_date: '1988-03-14', allergies: ['青霉素'], phones: [{ number: '13900004401', type: 'mobile', primary: true }], address: { province: '云山省', city: '江城市', district: '临江区', detail: '1 号' } })
  const b = await person({ name: '欧阳晴川', birth_date: '1988-03-14', email: 'qc@example.cn', tags: ['慢病'], phones: [{ number: '13900004401', type: 'mobile', primary: true }, { number: '13900004402', type: 'home' }] })
  await boss.visit('/customers/duplicates')
  await button('duplicates.scan').click()
  const row = boss.page.getByRole('row').filter({ hasText: a.code }).filter({ hasText: b.code })
  await expect(row).toBeVisible({ timeout: 30_000 })
  await expect(row).toContainText(boss.words('dupreason.same_phone'))
  await row.getByRole('button', { name: boss.words('duplicates.compare') }).click()
  await boss.page.getByRole('radio', { name: boss.words('compare.keep') }).first().waitFor()
  const keeper = boss.page.locator('th.side').filter({ hasText: a.code }).locator('.el-radio')
  await keeper.click()
  await expect(boss.page.getByRole('row').filter({ hasText: 'qc@example.cn' }).locator('td.res')).toContainText('qc@example.cn')
  await button('compare.merge').first().click()
  await confirm()
  await boss.page.waitForURL(`**/customers/${a.id}`)
  const kept = await (await hospital.as('supervisor')).get(`/api/patients/${a.id}`)
  expect(kept.email).toBe('qc@example.cn')
  expect(kept.phones).toHaveLength(2)
  expect(kept.tags).toEqual(['慢病'])
  await expect(boss.page.locator('.allergy')).toContainText('青霉素')
  // The other number leads to the kept record.
  await boss.visit(`/customers/${b.id}`)
  await boss.page.waitForURL(`**/customers/${a.id}`)
  await boss.page.getByRole('tab', { name: boss.words('person.history') }).click()
  await expect(boss.page.locator('.steps')).toContainText(boss.words('historysource.merge'))

  await boss.visit('/customers/merges')
  await boss.page.getByRole('row').filter({ hasText: a.code }).getByRole('button', { name: boss.words('merges.undo') }).click()
  await boss.page.getByRole('textbox', { name: boss.words('merges.undo_reason') }).fill('两位同名的患者')
  await boss.page.getByRole('dialog').getByRole('button', { name: boss.words('merges.undo') }).click()
  await expect(boss.page.getByRole('dialog')).toBeHidden()
  const me = await hospital.as('supervisor')
  const [first, second] = [await me.get(`/api/patients/${a.id}`), await me.get(`/api/patients/${b.id}`)]
  const told = (p: Body) => ({ name: p.name, email: p.email ?? '', allergies: p.allergies, tags: p.tags, phones: p.phones.map((x: Body) => [x.number, x.type, x.primary]), address: p.address })
  expect(told(first)).toEqual(told(a))
  expect(told(second)).toEqual(told(b))
})

test('a file is checked, corrected by its errors, taken over, and taken back', async () => {
  const csv = ['姓名,性别,出生日期,手机,身份证号,过敏史', '诸葛明远,男,1975-06-01,13900004411,,海鲜', '公孙小雨,女,1990-13-40,13900004412,,', '慕容白,男,1960-01-01,,440308199901101513,', '司徒静,女,2001-02-03,13900004414,,无'].join('\r\n')
  await boss.visit('/customers/imports')
  await boss.page.locator('input[type=file]').setInputFiles({ name: '体检名单.csv', mimeType: 'text/csv', buffer: Buffer.from('\ufeff' + csv) })
  await boss.page.waitForURL(/\/customers\/imports\/[^/]+$/)
  await expect(boss.page.getByRole('row').filter({ hasText: '诸葛明远' })).toBeVisible()
  await button('import.check').click()
  const status = boss.page.locator('header [role=status]')
  await expect(status).toHaveText(boss.words('importstatus.checked'))
  const tile = (key: string) => boss.page.locator('.tile').filter({ hasText: boss.words(key) }).locator('b')
  await expect(tile('import.good')).toHaveText('2')
  await expect(tile('import.failed')).toHaveText('2')
  expect((await (await hospital.as('supervisor')).items('/api/patients?q=13900004411'))).toEqual([]) // a dry run stores nobody
  const problems = boss.page.locator('.card').filter({ hasText: boss.words('import.problems') })
  await expect(problems.locator('tbody tr')).toHaveCount(2)
  await expect(problems.getByRole('row').filter({ hasText: boss.words('idtype.id_card') })).toContainText(/[\u4e00-\u9fff]{4}/)
  const coming = boss.page.waitForEvent('download')
  await button('import.errors_file').click()
  expect((await coming).suggestedFilename()).toContain('errors.xlsx')
  await boss.page.getByRole('button', { name: boss.words('import.run').replace('{n}', '2') }).click()
  await confirm()
  await expect(status).toHaveText(boss.words('importstatus.done'))
  const [known] = await (await hospital.as('supervisor')).items('/api/patients?q=13900004411')
  expect(known.name).toBe('诸葛明远')
  expect(known.allergies).toEqual(['海鲜'])
  await button('import.undo').click()
  await confirm()
  await expect(status).toHaveText(boss.words('importstatus.undone'))
  expect((await (await hospital.as('supervisor')).items('/api/patients?q=13900004411'))).toEqual([])
})

test('consent is given with evidence, and withdrawn with one click', async () => {
  const p = await person({ name: '端木清', sex: 'male', birth_date: '1979-09-09', phones: [{ number: '13900004421', type: 'mobile', primary: true }] })
  await boss.visit(`/customers/${p.id}?tab=consents`)
  const name = `${'诊后随访'} · ${boss.words('consentchannel.phone')}`
  await boss.page.getByRole('button', { name }).click()
  const dialog = boss.page.getByRole('dialog', { name })
  await expect(dialog.locator('blockquote')).toContainText('撤回')
  const save = dialog.locator('.el-dialog__footer').getByRole('button', { name: boss.words('consentdo.granted') })
  await expect(save).toBeDisabled() // sensitive: no consent without evidence
  await dialog.getByRole('textbox', { name: boss.words('consent.reference') }).fill('call-0042')
  await save.click()
  await expect(dialog).toBeHidden()
  const state = boss.page.getByRole('button', { name })
  await expect(state).toContainText(boss.words('consentdecision.granted'))
  await state.click()
  await dialog.locator('.el-dialog__footer').getByRole('button', { name: boss.words('consentdo.withdrawn') }).click()
  await expect(state).toContainText(boss.words('consentdecision.withdrawn'))
  await expect(boss.page.locator('.past li')).toHaveCount(2)
  await expect(boss.page.locator('.past')).toContainText('call-0042')
  const view = await (await hospital.as('supervisor')).get(`/api/patients/${p.id}/consents`)
  const now = view.current.find((x: Body) => x.purpose.code === 'followup' && x.channel === 'phone')
  expect([now.allowed, now.entry.decision, view.history[1].text_version]).toEqual([false, 'withdrawn', 1])
})

/** Takes a request down on the customer's page and opens it. */
async function ask(patient: string, kind: string) {
  await boss.visit(`/customers/${patient}`)
  await button('privacy.new').click()
  const dialog = boss.page.getByRole('dialog')
  await dialog.locator('.el-radio').filter({ hasText: boss.words(`privacykind.${kind}`) }).click()
  await dialog.getByRole('textbox', { name: boss.words('privacy.evidence') }).fill('核对身份证原件')
  await dialog.getByRole('button', { name: boss.words('privacy.take_down') }).click()
  await boss.page.waitForURL('**/customers/privacy?open=*')
  return new URL(boss.page.url()).searchParams.get('open')!
}
const drawer = (s = boss) => s.page.locator('.el-drawer:visible')
const state = (key: string, s = boss) => expect(drawer(s).locator('.chip').filter({ hasText: s.words(`privacystatus.${key}`) })).toBeVisible({ timeout: 20_000 })

test('a copy of everything held opens as JSON and as PDF', async () => {
  const p = await person({ name: '南宫朔', sex: 'male', birth_date: '1966-12-24', allergies: ['碘'], phones: [{ number: '13900004431', type: 'mobile', primary: true }] })
  await (await hospital.as('supervisor')).send('POST', `/api/patients/${p.id}/consents`, { purpose: 'marketing', channel: 'sms', decision: 'refused' })
  await ask(p.id, 'export')
  await drawer().getByRole('button', { name: boss.words('privacyaccept.export') }).click()
  await state('done')
  const file = async (key: string) => {
    const coming = boss.page.waitForEvent('download')
    await drawer().getByRole('button', { name: boss.words(key) }).click()
    const parts: Buffer[] = []
    for await (const part of await (await coming).createReadStream()) parts.push(part as Buffer)
    return Buffer.concat(parts)
  }
  const copy = JSON.parse((await file('privacy.json')).toString('utf8')) as Body
  const text = JSON.stringify(copy)
  for (const held of ['南宫朔', '13900004431', '1966-12-24', '碘', 'marketing', 'refused', 'patient.create']) expect(text).toContain(held)
  expect(copy.sections.map((s: Body) => s.part)).toEqual(expect.arrayContaining(['patient', 'timeline', 'history', 'consents', 'appointments', 'card', 'messages', 'calls', 'portal', 'audit']))
  const pdf = await file('privacy.pdf')
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
  expect(pdf.length).toBeGreaterThan(5000)
})

test('a restricted record is closed, opens in an emergency, and that is reviewed', async () => {
  const p = await person({ name: '百里溪', birth_date: '1950-05-05', phones: [{ number: '13900004441', type: 'mobile', primary: true }] })
  await ask(p.id, 'restrict')
  await drawer().getByRole('button', { name: boss.words('privacyaccept.restrict') }).click()
  await state('done')
  const doctor = await Sitter.open(hospital)
  try {
    await doctor.as('agent1')
    await doctor.visit(`/customers/${p.id}`)
    await expect(doctor.page.getByText(doctor.words('glass.title'))).toBeVisible()
    await expect(button('glass.open', doctor)).toHaveCount(0) // an agent may not
    await doctor.as('admin')
    await doctor.visit(`/customers/${p.id}`)
    await doctor.page.getByRole('textbox', { name: doctor.words('glass.reason') }).fill('急救')
    await button('glass.open', doctor).click()
    await expect(doctor.page.locator('.head .name strong')).toHaveText('百里溪')
  } finally {
    await doctor.close()
  }
  await boss.visit('/customers/accesses')
  const row = boss.page.getByRole('row').filter({ hasText: p.code })
  await row.getByRole('button', { name: boss.words('access.do_review') }).click()
  await boss.page.getByRole('textbox', { name: boss.words('access.note') }).fill('确为急救')
  await boss.page.getByRole('dialog').getByRole('button', { name: boss.words('common.save') }).click()
  await expect(row).toHaveCount(0)
  const [access] = await (await hospital.as('supervisor')).items(`/api/privacy/accesses?patient=${p.id}`)
  expect([access.reason, access.review_note]).toEqual(['急救', '确为急救'])
})

test('a removal is accepted by a second person who types the code, and nothing is readable after it', async () => {
  const p = await person({ name: '东方既白', birth_date: '1991-01-01', notes: '只有他知道的事', phones: [{ number: '13900004451', type: 'mobile', primary: true }] })
  const id = await ask(p.id, 'delete')
  await expect(drawer()).toContainText(boss.words('privacy.second_person'))
  await expect(drawer().getByRole('button', { name: boss.words('privacyaccept.delete') })).toBeDisabled()
  const second = await Sitter.open(hospital)
  try {
    await second.as('admin')
    await second.visit(`/customers/privacy?open=${id}`)
    const accept = drawer(second).getByRole('button', { name: second.words('privacyaccept.delete') })
    await expect(accept).toBeDisabled()
    await drawer(second).locator('.code input').fill('HM-WRONG')
    await expect(accept).toBeDisabled()
    await drawer(second).locator('.code input').fill(p.code)
    await accept.click()
    await state('done', second)
    await second.visit(`/customers/${p.id}`)
  } finally {
    await second.close()
  }
  const me = await hospital.as('admin')
  await eventually('the search forgets', async () => (await me.items('/api/patients?q=13900004451')).length === 0)
  expect(await me.items(`/api/patients?q=${encodeURIComponent('东方既白')}`)).toEqual([])
  await me.send('POST', `/api/patients/${p.id}/break-glass`, { reason: 'test of the removal' })
  const left = await me.get(`/api/patients/${p.id}`)
  expect(JSON.stringify(left)).not.toMatch(/东方|1390000|只有他/)
  expect(left.erased).toBe(true)
  for (const change of await me.items(`/api/patients/${p.id}/history`)) expect([change.old, change.new]).toEqual(['', ''])
})

test('the finder knows character, pinyin, initials, slips of the pen, foreign names and the end of a phone', async () => {
  const p = await person({ name: '单雪梅', name_latin: 'Shirley Shan-Hughes', birth_date: '1983-04-05', phones: [{ number: '13900097531', type: 'mobile', primary: true }], identifiers: [{ type: 'passport', value: 'E12345678' }] })
  await boss.visit('/customers')
  for (const key of ['单雪梅', '雪梅', 'shanxuemei', 'sxm', 'shirley', 'hughes', '7531', 'E12345678', p.code]) {
    await boss.page.keyboard.press('Control+k')
    const finder = boss.page.getByRole('dialog', { name: boss.words('find.title') })
    await finder.locator('input').fill(key)
    await expect(finder.getByRole('option').filter({ hasText: p.code }), key).toBeVisible()
    await boss.page.keyboard.press('Escape')
    await expect(finder).toBeHidden()
  }
})

test('a baby is known under its mother, and the change is in the history', async () => {
  const mother = await person({ name: '柏兰', sex: 'female', birth_date: '1995-02-02', phones: [{ number: '13900004461', type: 'mobile', primary: true }], identifiers: [{ type: 'id_card', value: '440308199901101512' }] }).catch(async () => person({ name: '柏兰', sex: 'female', phones: [{ number: '13900004461', type: 'mobile', primary: true }] }))
  await boss.visit('/customers/new')
  await boss.page.getByLabel(boss.words('patient.name'), { exact: true }).first().fill('柏兰之女')
  await boss.page.locator('input[placeholder="1980-05-21"]').fill('2026-11-01')
  await button('guardian.choose').click()
  const finder = boss.page.getByRole('dialog', { name: boss.words('find.title') })
  await finder.locator('input').fill('13900004461')
  await finder.getByRole('option').filter({ hasText: mother.code }).click()
  await boss.page.locator('input[maxlength="30"]').first().fill('')
  await button('common.save').click()
  await boss.page.waitForURL(/\/customers\/[0-9a-f-]{36}$/)
  const id = boss.page.url().split('/').at(-1)!
  expect((await (await hospital.as('supervisor')).get(`/api/patients/${id}`)).guardian_id).toBe(mother.id)
  await button('family.add').click()
  await finder.locator('input').fill('13900004461')
  await finder.getByRole('option').filter({ hasText: mother.code }).click()
  await boss.page.getByRole('dialog').filter({ hasText: '柏兰' }).getByRole('button', { name: boss.words('common.save') }).click()
  await expect(boss.page.locator('.card').filter({ hasText: boss.words('person.family') }).getByRole('button', { name: /柏兰/ })).toHaveCount(2)
  await boss.page.getByRole('tab', { name: boss.words('person.history') }).click()
  await expect(boss.page.locator('.steps')).toContainText(boss.words('recordfield.household_id'))
})

test('no barriers on the dialogs either', async () => {
  const p = await person({ name: '澹台明', birth_date: '1980-01-01', allergies: ['花粉'] })
  await boss.visit(`/customers/${p.id}?tab=consents`)
  await boss.page.getByRole('button', { name: `诊后随访 · ${boss.words('consentchannel.phone')}` }).click()
  await boss.settled()
  const found = await new AxeBuilder({ page: boss.page }).setLegacyMode(true).analyze()
  expect(found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes[0].target}`)).toEqual([])
  expect(boss.troubles.filter((x) => !x.includes('403'))).toEqual([])
})

// The desk around booking: a hospital, somebody who sits at it, and what every
// test of these pages does there.
import type { Locator } from '@playwright/test'
import { Sitter } from './browser.js'
import { Hospital } from './hospital.js'
import type { Session } from './session.js'
import { expect } from './test.js'

/* eslint-disable @typescript-eslint/no-explicit-any */
export const inZone = (o: Intl.DateTimeFormatOptions, locale = 'en-CA') => new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Shanghai', ...o })
/** A hospital day some days from now. */
export const day = (n: number) => inZone({}).format(Date.now() + n * 86_400_000)
export const longDay = (date: string) => new Intl.DateTimeFormat('zh-CN', { timeZone: 'UTC', month: 'long', day: 'numeric', weekday: 'short' }).format(new Date(`${date}T00:00:00Z`))

export class Office {
  private born = 0

  private constructor(
    readonly hospital: Hospital,
    readonly boss: Session,
    readonly s: Sitter,
    readonly department: { id: string; name: string },
    readonly others: { id: string }[], // clinical departments
    readonly doctors: { id: string; name: string }[], // of the department
  ) {}

  static async open(who: string): Promise<Office> {
    const hospital = await Hospital.open()
    const boss = await hospital.as('supervisor')
    const [department] = (await boss.items('/api/departments?q=gk')).filter((d) => d.clinical)
    const others = (await boss.items('/api/departments')).filter((d) => d.clinical && d.id !== department.id)
    const doctors = await boss.items(`/api/doctors?department=${department.id}`)
    const s = await Sitter.open(hospital)
    await s.as(who)
    return new Office(hospital, boss, s, department, others, doctors)
  }

  async close() {
    await this.s.close()
    await this.hospital.close()
  }

  fill = (key: string, values: Record<string, unknown>) => this.s.words(key).replace(/{(\w+)}/g, (_, k: string) => String(values[k]))

  /** A session of its own, so that nothing else books into it. */
  session(date: string, more: object = {}) {
    return this.boss.send('POST', '/api/booking/sessions', { date, period: 'evening', start: '18:00', end: '20:00', department_id: this.department.id, type: 'ordinary', fee_cents: 800, slot_minutes: 20, capacity: 6, lanes: {}, room: '9诊室', ...more })
  }

  /** A session that began a minute ago: its numbers can still be given at the window, and be missed. */
  running(departmentId: string) {
    const clock = (ms: number) => inZone({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, 'en-GB').format(Date.now() + ms)
    const start = clock(-60_000) > clock(0) ? '00:00' : clock(-60_000)
    const end = clock(4 * 3_600_000) < start ? '23:59' : clock(4 * 3_600_000)
    const minutes = (t: string) => Number(t.slice(0, 2)) * 60 + Number(t.slice(3))
    return this.session(day(0), { department_id: departmentId, start, end, slot_minutes: minutes(end) - minutes(start), capacity: 3 })
  }

  /** Somebody new, with a real name and no history. */
  async person(name: string, more: object = {}): Promise<{ id: string; name: string; code: string; document: string; phone: string }> {
    const body = `42010519850614${String(301 + 2 * ++this.born)}`
    const sum = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((n, w, i) => n + w * Number(body[i]), 0)
    const document = body + '10X98765432'[sum % 11]
    const phone = `1390000${5500 + this.born}`
    const made = await this.boss.send('POST', '/api/patients', { name, sex: 'male', birth_date: '1985-06-14', identifiers: [{ type: 'id_card', value: document }], phones: [{ number: phone, type: 'mobile', primary: true }], ...more })
    return { ...made, document, phone }
  }

  book(patient: string, sessionId: string, more: object = {}) {
    return this.boss.send('POST', '/api/booking/appointments', { key: `e2e-${patient.slice(-8)}-${sessionId.slice(-8)}`, patient_id: patient, session_id: sessionId, channel: 'desk', ...more })
  }
  appointment(id: string) {
    return this.boss.get(`/api/booking/appointments/${id}`)
  }
  may(patient: string, sessionId: string) {
    return this.boss.get(`/api/booking/eligibility?patient=${patient}&session=${sessionId}`)
  }

  panel = () => this.s.page.getByRole('region', { name: this.s.words('booking.panel') })
  drawer = () => this.s.page.locator('.el-drawer:visible').last()
  dialog = () => this.s.page.locator('.el-dialog:visible').last()
  primary = (at: Locator) => at.locator('.el-dialog__footer .el-button--primary, .el-drawer__footer .el-button--primary').last()
  button = (key: string, at: Locator = this.s.page.locator('body')) => at.getByRole('button', { name: this.s.words(key), exact: true })
  confirm = () => this.s.page.locator('.el-popconfirm:visible .el-button--primary').click()

  async choose(at: Locator, key: string, option: string, typed = '') {
    const { page, words } = this.s
    await at.locator('.el-select').filter({ has: page.getByRole('combobox', { name: words(key) }) }).click()
    if (typed) await at.getByRole('combobox', { name: words(key) }).fill(typed)
    await page.getByRole('option', { name: option }).filter({ visible: true }).first().click()
  }

  async openSession(se: { id: string; date: string; department_id?: string }) {
    await this.s.visit(`/timetable?department=${se.department_id ?? this.department.id}&from=${se.date}`)
    await this.s.page.locator(`[data-session="${se.id}"]`).click()
    await expect(this.drawer()).toContainText(this.s.words('booking.numbers'))
  }

  async openAppointment(a: { code: string }) {
    await this.s.visit(`/appointments?code=${a.code}`)
    await this.s.page.getByRole('row').filter({ hasText: a.code }).getByRole('button').click()
    await expect(this.drawer()).toContainText(this.s.words('booking.history'))
  }

  async openPanel(patient: string) {
    await this.s.visit(`/customers/${patient}?tab=appointments`)
    await this.button('booking.new').click()
    await expect(this.panel().getByRole('combobox', { name: this.s.words('booking.find') })).toBeFocused()
  }
}

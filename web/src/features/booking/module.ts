import { Ban, CalendarCheck2, CalendarCog, CalendarDays, CalendarRange, FlaskConical, Hourglass, ScanLine, ScrollText } from '@lucide/vue'
import type { FeatureModule } from '../module'

const read = ['booking.read']
const schedule = ['booking.schedule']

export const booking: FeatureModule = {
  routes: [
    { path: '/appointments', name: 'appointments', component: () => import('./AppointmentsPage.vue'), meta: { needs: read, title: 'menu.appointments' } },
    { path: '/timetable', name: 'timetable', component: () => import('./TimetablePage.vue'), meta: { needs: read, title: 'menu.timetable' } },
    { path: '/check-in', name: 'check-in', component: () => import('./CheckInPage.vue'), meta: { needs: ['booking.checkin'], title: 'menu.check-in' } },
    { path: '/waitlist', name: 'waitlist', component: () => import('./WaitlistPage.vue'), meta: { needs: read, title: 'menu.waitlist' } },
    { path: '/series', name: 'series', component: () => import('./SeriesPage.vue'), meta: { needs: read, title: 'menu.series' } },
    { path: '/penalties', name: 'penalties', component: () => import('./PenaltiesPage.vue'), meta: { needs: read, title: 'menu.penalties' } },
    { path: '/schedule', name: 'schedule', component: () => import('./schedule/SchedulePage.vue'), meta: { needs: schedule, title: 'menu.schedule' } },
    { path: '/exams', name: 'exams', component: () => import('./schedule/ExamsPage.vue'), meta: { needs: schedule, title: 'menu.exams' } },
    { path: '/booking-rules', name: 'booking-rules', component: () => import('./RulesPage.vue'), meta: { needs: ['booking.rules'], title: 'menu.booking-rules' } },
  ],
  menu: [
    { name: 'appointments', label: 'menu.appointments', icon: CalendarCheck2, group: 'booking', needs: read },
    { name: 'timetable', label: 'menu.timetable', icon: CalendarDays, group: 'booking', needs: read },
    { name: 'check-in', label: 'menu.check-in', icon: ScanLine, group: 'booking', needs: ['booking.checkin'] },
    { name: 'waitlist', label: 'menu.waitlist', icon: Hourglass, group: 'booking', needs: read },
    { name: 'series', label: 'menu.series', icon: CalendarRange, group: 'booking', needs: read },
    { name: 'penalties', label: 'menu.penalties', icon: Ban, group: 'booking', needs: read },
    { name: 'schedule', label: 'menu.schedule', icon: CalendarCog, group: 'booking', needs: schedule },
    { name: 'exams', label: 'menu.exams', icon: FlaskConical, group: 'booking', needs: schedule },
    { name: 'booking-rules', label: 'menu.booking-rules', icon: ScrollText, group: 'booking', needs: ['booking.rules'] },
  ],
}

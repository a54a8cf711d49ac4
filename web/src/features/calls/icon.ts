import { PhoneCall, PhoneIncoming, PhoneMissed, PhoneOutgoing } from '@lucide/vue'
import type { CallRow } from '@/api/types'

/** Two people should have spoken and did not. */
export const lost = (r: CallRow): boolean => ['abandoned', 'short_abandoned', 'missed', 'failed'].includes(r.outcome)

export function callIcon(r: CallRow) {
  if (lost(r)) return PhoneMissed
  return { internal: PhoneCall, outbound: PhoneOutgoing, inbound: PhoneIncoming }[r.direction]
}

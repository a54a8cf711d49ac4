// How an agent's state looks everywhere: colour, icon and word together.
import { CircleCheck, CirclePause, LogOut, NotebookPen, PhoneCall, PhoneIncoming } from '@lucide/vue'
import type { Component } from 'vue'
import type { AgentState } from '@/api/types'

interface Look {
  tone: 'ok' | 'mute' | 'accent' | 'warn' | 'violet' | 'info'
  icon: Component
}

export const looks: Record<AgentState, Look> = {
  signed_out: { tone: 'mute', icon: LogOut },
  ready: { tone: 'ok', icon: CircleCheck },
  not_ready: { tone: 'warn', icon: CirclePause },
  ringing: { tone: 'info', icon: PhoneIncoming },
  talking: { tone: 'accent', icon: PhoneCall },
  wrap_up: { tone: 'violet', icon: NotebookPen },
}

import { expect, it } from 'vitest'
import { loudness } from './audio'
import { preferTelephony, sessionOf } from './sdp'

it('reads the session id of an offer', () => {
  expect(sessionOf('v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\n')).toBe('4611731400430051336')
  expect(sessionOf('')).toBe('')
})

it('offers A-law first and nothing that would need conversion', () => {
  const codecs = ['audio/opus', 'audio/PCMU', 'audio/telephone-event', 'audio/PCMA', 'audio/red'].map((mimeType) => ({ mimeType }))
  expect(preferTelephony(codecs).map((c) => c.mimeType)).toEqual(['audio/PCMA', 'audio/PCMU', 'audio/telephone-event'])
})

it('measures loudness from silence to full', () => {
  expect(loudness(new Float32Array(100))).toBe(0)
  expect(loudness(new Float32Array(100).fill(1))).toBe(1)
  expect(loudness(new Float32Array(100).fill(0.0316))).toBeCloseTo(0.5, 2)
})

// The few things the softphone reads from session descriptions.

/** The session id of the o= line, by which the server tells one window from another. */
export function sessionOf(sdp: string): string {
  return /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? ''
}

interface CodecLike {
  mimeType: string
}

/** A-law first: it is what the telephone network speaks, so nothing is converted. */
export function preferTelephony<T extends CodecLike>(codecs: T[]): T[] {
  const order = ['audio/pcma', 'audio/pcmu', 'audio/telephone-event']
  const rank = (c: T) => order.indexOf(c.mimeType.toLowerCase())
  return codecs.filter((c) => rank(c) >= 0).sort((a, b) => rank(a) - rank(b))
}

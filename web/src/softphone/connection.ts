// One browser ↔ server sound connection: microphone in, caller out. Used by the
// agent's softphone and by the demo telephone; they differ in their signalling.
import { preferTelephony, sessionOf } from './sdp'

export interface Signalling {
  offer(sdp: string): Promise<string>
  candidate(c: RTCIceCandidateInit): void
}

export interface ConnectionHandlers {
  up(): void
  down(): void
  remote(stream: MediaStream): void
}

const graceMs = 1500

export class SoundConnection {
  session = ''
  private readonly pc: RTCPeerConnection
  private closed = false
  private offered = false
  private waiting: RTCIceCandidateInit[] = []
  private grace?: ReturnType<typeof setTimeout>

  constructor(
    private readonly signal: Signalling,
    private readonly on: ConnectionHandlers,
    iceServers: RTCIceServer[] = [],
  ) {
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' })
    this.pc.ontrack = (e) => on.remote(e.streams[0] ?? new MediaStream([e.track]))
    this.pc.onicecandidate = (e) => e.candidate && this.trickle(e.candidate.toJSON())
    this.pc.onconnectionstatechange = () => this.changed()
  }

  async connect(track: MediaStreamTrack, stream: MediaStream): Promise<void> {
    const tr = this.pc.addTransceiver(track, { direction: 'sendrecv', streams: [stream] })
    const codecs = RTCRtpReceiver.getCapabilities?.('audio')?.codecs ?? []
    const wanted = preferTelephony(codecs)
    if (wanted.length) tr.setCodecPreferences(wanted)
    await this.pc.setLocalDescription(await this.pc.createOffer())
    const sdp = this.pc.localDescription?.sdp ?? ''
    this.session = sessionOf(sdp)
    const answer = await this.signal.offer(sdp)
    if (this.closed) return
    await this.pc.setRemoteDescription({ type: 'answer', sdp: answer })
    this.offered = true
    for (const c of this.waiting.splice(0)) this.signal.candidate(c)
  }

  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.pc.getSenders()[0]?.replaceTrack(track)
  }

  close(): void {
    this.closed = true
    clearTimeout(this.grace)
    this.pc.close()
  }

  private trickle(c: RTCIceCandidateInit): void {
    if (this.offered) this.signal.candidate(c)
    else this.waiting.push(c)
  }

  private changed(): void {
    if (this.closed) return
    clearTimeout(this.grace)
    switch (this.pc.connectionState) {
      case 'connected':
        return this.on.up()
      case 'failed':
      case 'closed':
        return this.on.down()
      case 'disconnected': // often heals by itself within a second
        this.grace = setTimeout(() => !this.closed && this.on.down(), graceMs)
    }
  }
}

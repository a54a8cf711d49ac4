// A message centre for tests: the server side of the npm package "smpp", with
// its own idea of the protocol. It listens on 127.0.0.1, takes submissions,
// puts long ones together, sends a delivery receipt for every part, and
// delivers what it reads on its standard input as JSON lines:
//   {"from":"8613800000000","to":"96166","text":"1"}
// What happens is written to the standard output as JSON lines.
//
//   node smsc.mjs [port]   (0: any; the first line says which)
import { createInterface } from 'node:readline'
import smpp from 'smpp'

const account = { system_id: 'heartline', password: 'secret08' }
const parts = new Map()
const receivers = new Set()
let nextId = 1

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`)

// A long message: its parts by reference, whole when all are there.
function put(pdu, id) {
  const message = pdu.short_message
  const text = typeof message === 'string' ? message : message.message
  const header = message.udh?.map?.((u) => u) ?? []
  let place
  for (const h of header) if (h[0] === 0 && h[1] === 3) place = { ref: h[2], total: h[3], seq: h[4] }
  if (pdu.sar_total_segments) place = { ref: pdu.sar_msg_ref_num, total: pdu.sar_total_segments, seq: pdu.sar_segment_seqnum }
  say({ event: 'part', id, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, units: [...text].length, place })
  if (!place) return say({ event: 'message', to: pdu.destination_addr, parts: 1, text })
  const key = `${pdu.destination_addr}/${place.ref}`
  const list = parts.get(key) ?? []
  list[place.seq - 1] = text
  parts.set(key, list)
  if (list.filter((x) => x !== undefined).length === place.total) {
    parts.delete(key)
    say({ event: 'message', to: pdu.destination_addr, parts: place.total, text: list.join('') })
  }
}

function receipt(session, pdu, id) {
  session.deliver_sm({
    source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2603151200 done date:2603151201 stat:DELIVRD err:000 text:`,
  }, (answer) => say({ event: 'receipt', id, status: answer.command_status }))
}

const server = smpp.createServer((session) => {
  session.on('error', (err) => say({ event: 'error', text: String(err) }))
  session.on('close', () => receivers.delete(session))
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => {
      const ok = pdu.system_id === account.system_id && pdu.password === account.password
      session.send(pdu.response({ command_status: ok ? 0 : smpp.ESME_RINVPASWD, system_id: 'smsc' }))
      if (ok && kind !== 'bind_transmitter') receivers.add(session)
      say({ event: 'bind', kind, ok })
    })
  }
  session.on('submit_sm', (pdu) => {
    const id = `m${nextId++}`
    session.send(pdu.response({ message_id: id }))
    put(pdu, id)
    const receiver = [...receivers][0]
    if (receiver && pdu.registered_delivery) receipt(receiver, pdu, id)
  })
  session.on('enquire_link', (pdu) => session.send(pdu.response()))
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close() })
})

createInterface({ input: process.stdin }).on('line', (line) => {
  const m = JSON.parse(line)
  const receiver = [...receivers][0]
  if (!receiver) return say({ event: 'error', text: 'nobody receives' })
  receiver.deliver_sm({ source_addr_ton: 1, source_addr_npi: 1, source_addr: m.from, destination_addr: m.to, short_message: m.text },
    (answer) => say({ event: 'delivered', status: answer.command_status }))
}).on('close', () => process.exit(0))

server.listen(Number(process.argv[2] ?? 2775), '127.0.0.1', () => say({ event: 'listening', port: server.address().port }))

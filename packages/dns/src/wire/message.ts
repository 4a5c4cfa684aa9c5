import { type Malformed, Reader } from './reader.ts'
import { readRecord, writeRecord } from './record.ts'
import { type DnsRecord, type Edns, type Message, OPT, type Question, typeCode, typeOf } from './types.ts'
import { Writer } from './writer.ts'

/**
 * Message header, RFC 1035 §4.1.1, with the bits of RFC 4035 §3.
 *
 *     0    2       4         6         8           10            12
 *     +----+-------+---------+---------+-----------+-------------+----------
 *     | id | flags | QDCOUNT | ANCOUNT |  NSCOUNT  |   ARCOUNT   | sections
 *     +----+-------+---------+---------+-----------+-------------+----------
 *     flags: QR 1, opcode 4, AA 1, TC 1, RD 1, RA 1, Z 1, AD 1, CD 1, RCODE 4
 */
export const HEADER_LEN = 12

const QR = 0x8000
const AA = 0x0400
const TC = 0x0200
const RD = 0x0100
const RA = 0x0080
const AD = 0x0020
const CD = 0x0010
const DO = 0x8000

type Section = { records: DnsRecord[]; edns: Edns | undefined; upperRcode: number }

/** Reads the message that is `b[o..end)`. Never throws; what it returns owns its bytes. */
export function decode(b: Uint8Array, o: number, end: number): Message | Malformed {
  if (end - o < HEADER_LEN) return 'truncated'
  const r = new Reader(b, o, end)
  const id = r.u16()
  const flags = r.u16()
  const [questionCount, answerCount, authorityCount, additionalCount] = [r.u16(), r.u16(), r.u16(), r.u16()]
  const questions: Question[] = []
  for (let i = 0; i < questionCount && r.malformed === undefined; i++)
    questions.push({ name: r.name(), type: typeOf(r.u16()), class: r.u16() })
  const answers = readSection(r, answerCount, false)
  const authorities = readSection(r, authorityCount, false)
  const additionals = readSection(r, additionalCount, true)
  if (r.malformed !== undefined) return r.malformed
  if (r.at !== end) return 'trailing-bytes'
  return {
    id,
    response: (flags & QR) !== 0,
    opcode: (flags >>> 11) & 15,
    authoritative: (flags & AA) !== 0,
    truncated: (flags & TC) !== 0,
    recursionDesired: (flags & RD) !== 0,
    recursionAvailable: (flags & RA) !== 0,
    authenticData: (flags & AD) !== 0,
    checkingDisabled: (flags & CD) !== 0,
    rcode: (additionals.upperRcode << 4) | (flags & 15),
    questions,
    answers: answers.records,
    authorities: authorities.records,
    additionals: additionals.records,
    edns: additionals.edns,
  }
}

function readSection(r: Reader, count: number, optAllowed: boolean): Section {
  const section: Section = { records: [], edns: undefined, upperRcode: 0 }
  const end = r.end
  for (let i = 0; i < count && r.malformed === undefined; i++) {
    const head = { name: r.name(), code: r.u16(), class: r.u16(), ttl: r.u32() }
    const length = r.u16()
    if (!r.has(length)) break
    r.end = r.at + length
    if (head.code !== OPT) section.records.push(readRecord(r, head))
    else if (optAllowed && section.edns === undefined && head.name === '') {
      section.edns = readEdns(r, head.class, head.ttl)
      section.upperRcode = head.ttl >>> 24
    } else r.fail('bad-opt')
    // The data is all there; what reads beyond it has too little of it.
    if (r.malformed === 'truncated') r.malformed = 'bad-rdata'
    r.end = end
  }
  return section
}

/** RFC 6891 §6.1.2 and §6.1.3. */
function readEdns(r: Reader, udpPayload: number, ttl: number): Edns {
  const options: { code: number; data: Uint8Array }[] = []
  while (r.at < r.end) options.push({ code: r.u16(), data: r.bytes(r.u16()) })
  return { udpPayload, version: (ttl >>> 16) & 255, dnssecOk: (ttl & DO) !== 0, options }
}

/**
 * Writes the message at `b[o..end)`, names compressed; returns the bytes that it takes, 0 where there is no room for it. Throws a TypeError for
 * what has no wire form: a name that is none, a long TXT string, a response code above 15 without EDNS.
 */
export function encode(b: Uint8Array, o: number, end: number, m: Message): number {
  if (m.rcode > 15 && m.edns === undefined) throw new TypeError(`response code ${m.rcode} needs EDNS`)
  const w = new Writer(b, o, end)
  w.u16(m.id)
  w.u16(flagsOf(m))
  w.u16(m.questions.length)
  w.u16(m.answers.length)
  w.u16(m.authorities.length)
  w.u16(m.additionals.length + (m.edns === undefined ? 0 : 1))
  for (const question of m.questions) {
    w.name(question.name)
    w.u16(typeCode(question.type))
    w.u16(question.class)
  }
  for (const section of [m.answers, m.authorities, m.additionals]) for (const record of section) writeRecord(w, record)
  if (m.edns !== undefined) writeEdns(w, m.edns, m.rcode)
  return w.full ? 0 : w.at - o
}

function flagsOf(m: Message): number {
  return (
    (m.response ? QR : 0) |
    ((m.opcode & 15) << 11) |
    (m.authoritative ? AA : 0) |
    (m.truncated ? TC : 0) |
    (m.recursionDesired ? RD : 0) |
    (m.recursionAvailable ? RA : 0) |
    (m.authenticData ? AD : 0) |
    (m.checkingDisabled ? CD : 0) |
    (m.rcode & 15)
  )
}

function writeEdns(w: Writer, edns: Edns, rcode: number): void {
  w.u8(0)
  w.u16(OPT)
  w.u16(edns.udpPayload)
  w.u8(rcode >>> 4)
  w.u8(edns.version)
  w.u16(edns.dnssecOk ? DO : 0)
  w.sized(() => {
    for (const { code, data } of edns.options) {
      w.u16(code)
      w.sized(() => w.bytes(data))
    }
  })
}

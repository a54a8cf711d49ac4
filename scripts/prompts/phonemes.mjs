// Words into the symbols that Kokoro was trained on: IPA with arrows for the
// Mandarin tones. English goes through espeak's rules.
import { phonemize } from 'phonemizer'
import { pinyin } from 'pinyin-pro'

const table = `; 1 : 2 , 3 . 4 ! 5 ? 6 — 9 … 10 " 11 ( 12 ) 13 “ 14 ” 15 \u0303 17 ʣ 18 ʥ 19 ʦ 20 ʨ 21 ᵝ 22 ꭧ 23 A 24 I 25 O 31 Q 33 S 35 T 36 W 39 Y 41 ᵊ 42
a 43 b 44 c 45 d 46 e 47 f 48 h 50 i 51 j 52 k 53 l 54 m 55 n 56 o 57 p 58 q 59 r 60 s 61 t 62 u 63 v 64 w 65 x 66 y 67 z 68 ɑ 69 ɐ 70 ɒ 71 æ 72
β 75 ɔ 76 ɕ 77 ç 78 ɖ 80 ð 81 ʤ 82 ə 83 ɚ 85 ɛ 86 ɜ 87 ɟ 90 ɡ 92 ɥ 99 ɨ 101 ɪ 102 ʝ 103 ɯ 110 ɰ 111 ŋ 112 ɳ 113 ɲ 114 ɴ 115 ø 116 ɸ 118 θ 119 œ 120
ɹ 123 ɾ 125 ɻ 126 ʁ 128 ɽ 129 ʂ 130 ʃ 131 ʈ 132 ʧ 133 ʊ 135 ʋ 136 ʌ 138 ɣ 139 ɤ 140 χ 142 ʎ 143 ʒ 147 ʔ 148 ˈ 156 ˌ 157 ː 158 ʰ 162 ʲ 164
↓ 169 → 171 ↗ 172 ↘ 173 ᵻ 177`.split(/\s+/)
export const symbols = { ' ': 16 }
for (let i = 0; i < table.length; i += 2) symbols[table[i]] = Number(table[i + 1])

const initials = { b: 'p', p: 'pʰ', m: 'm', f: 'f', d: 't', t: 'tʰ', n: 'n', l: 'l', g: 'k', k: 'kʰ', h: 'x', j: 'ʨ', q: 'ʨʰ', x: 'ɕ', zh: 'ꭧ', ch: 'ꭧʰ', sh: 'ʂ', r: 'ɻ', z: 'ʦ', c: 'ʦʰ', s: 's', '': '' }
// 0 marks where the tone goes.
const finals = {
  a: 'a0', ai: 'ai0', an: 'a0n', ang: 'a0ŋ', ao: 'au0', e: 'ɤ0', ei: 'ei0', en: 'ə0n', eng: 'ə0ŋ', er: 'ɚ0', i: 'i0', ia: 'ja0', ian: 'jɛ0n', iang: 'ja0ŋ', iao: 'jau0',
  ie: 'je0', in: 'i0n', iou: 'jou0', iu: 'jou0', ing: 'i0ŋ', iong: 'jʊ0ŋ', ong: 'ʊ0ŋ', ou: 'ou0', u: 'u0', ua: 'wa0', uai: 'wai0', uan: 'wa0n', uei: 'wei0', ui: 'wei0',
  uen: 'wə0n', un: 'wə0n', uang: 'wa0ŋ', ueng: 'wə0ŋ', uo: 'wo0', o: 'wo0', ü: 'y0', üe: 'ɥe0', üan: 'ɥɛ0n', ün: 'y0n',
}
const tones = { 1: '→', 2: '↗', 3: '↓', 4: '↘', 5: '', 0: '' }

/** One syllable such as "zhong1". */
function syllable(py) {
  const [, letters, tone = '5'] = py.match(/^([a-zü]+)(\d?)$/) ?? []
  if (!letters) throw new Error(`not a syllable: ${py}`)
  let [initial, final] = split(letters)
  let ipa = finals[final]
  if (final === 'i' && /^(zh|ch|sh|r|z|c|s)$/.test(initial)) ipa = 'ɨ0'
  if (ipa === undefined) throw new Error(`no sound for ${py}`)
  return initials[initial] + ipa.replace('0', tones[tone])
}

/** Initial and final, with the spelling rules of y, w and ü undone. */
function split(s) {
  if (/^(yu)/.test(s)) return ['', s.replace(/^yu/, 'ü')]
  if (/^y/.test(s)) return ['', /^yi/.test(s) ? s.slice(1) : s === 'you' ? 'iou' : `i${s.slice(1)}`]
  if (/^w/.test(s)) return ['', s === 'wu' ? 'u' : s === 'wei' ? 'uei' : s === 'wen' ? 'uen' : `u${s.slice(1)}`]
  const initial = s.match(/^(zh|ch|sh|[bpmfdtnlgkhjqxrzcs])?/)[0]
  let final = s.slice(initial.length)
  if (/^[jqx]$/.test(initial)) final = final.replace(/^u/, 'ü')
  return [initial, final]
}

const punctuation = { '，': ', ', '、': ', ', '。': '. ', '？': '? ', '！': '! ', '：': ': ', '；': '; ' }
const words = new Intl.Segmenter('zh', { granularity: 'word' })

function mandarin(text, person) {
  let out = ''
  for (const part of text.split(/([，、。？！：；])/).filter(Boolean)) {
    if (punctuation[part]) {
      out += punctuation[part]
      continue
    }
    // The reading is that of the whole part, the gaps are those of its words.
    const read = pinyin(part, { toneType: 'num', type: 'array', toneSandhi: false, surname: person ? 'head' : 'off', v: true }).map((p) => p.replace('v', 'ü'))
    let at = 0
    out += [...words.segment(part)].map((w) => [...w.segment].map(() => syllable(read[at++])).join('')).join(' ')
  }
  return out.trim()
}

async function english(text) {
  let out = ''
  for (const part of text.split(/([.,;:!?]+)/).filter(Boolean)) {
    if (/^[.,;:!?]+$/.test(part)) out += `${part} `
    else out += (await phonemize(part.trim(), 'en-us')).join(' ').trim()
  }
  return out.trim().replace(/ʲ/g, 'j').replace(/r/g, 'ɹ').replace(/x/g, 'k').replace(/ɬ/g, 'l').replace(/[\u0329\u032f]/g, '').replace(/\s+/g, ' ')
}

export const phonemes = (text, language, person) => (language === 'zh-CN' ? Promise.resolve(mandarin(text, person)) : english(text))

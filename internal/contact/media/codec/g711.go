// Package codec holds the telephone codecs: G.711 A-law and µ-law by tables
// and G.722 in its narrow-band use. It knows samples and bytes, no packets.
package codec

import "math/bits"

// Silence bytes of the two laws.
const (
	ALawSilence  = 0xD5
	MuLawSilence = 0xFF
)

// Tables are built once and only read. The encoders are indexed by the bits of
// a 16-bit sample that the law can see: 13 for A-law, 14 for µ-law.
var (
	aLawPCM  = tabulate(alawDecode)
	muLawPCM = tabulate(mulawDecode)
	pcmALaw  = func() (t [8192]byte) {
		for i := range t {
			t[i] = alawEncode(int16(uint16(i << 3)))
		}
		return t
	}()
	pcmMuLaw = func() (t [16384]byte) {
		for i := range t {
			t[i] = mulawEncode(int16(uint16(i<<2)) + 2)
		}
		return t
	}()
	aToMu = tabulate(func(b byte) byte { return mulawEncode(alawDecode(b)) })
	muToA = tabulate(func(b byte) byte { return alawEncode(mulawDecode(b)) })
)

func tabulate[T any](f func(byte) T) (t [256]T) {
	for i := range t {
		t[i] = f(byte(i))
	}
	return t
}

// alawEncode is the compressor of ITU-T G.711 table 1a, with the even bits inverted.
func alawEncode(s int16) byte {
	v, mask := int(s)>>3, byte(0xD5)
	if v < 0 {
		v, mask = -v-1, 0x55
	}
	if v < 32 {
		return byte(v>>1) ^ mask
	}
	seg := bits.Len(uint(v)) - 5
	return byte(seg<<4|v>>seg&0xF) ^ mask
}

func alawDecode(b byte) int16 {
	b ^= 0x55
	seg, v := int(b>>4&7), int(b&0xF)<<4+8
	if seg > 0 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

// mulawEncode is the compressor of ITU-T G.711 table 2a, all bits inverted.
func mulawEncode(s int16) byte {
	const bias, clip = 132, 32635
	v, sign := int(s), 0
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, clip) + bias
	exp := bits.Len(uint(v)) - 8
	return ^byte(sign | exp<<4 | v>>(exp+3)&0xF)
}

func mulawDecode(b byte) int16 {
	b = ^b
	v := (int(b&0xF)<<3+132)<<(b>>4&7) - 132
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

// ALawDecode and MuLawDecode expand one byte.
func ALawDecode(b byte) int16  { return aLawPCM[b] }
func MuLawDecode(b byte) int16 { return muLawPCM[b] }

// ALawEncode and MuLawEncode compress one sample.
func ALawEncode(s int16) byte  { return pcmALaw[uint16(s)>>3] }
func MuLawEncode(s int16) byte { return pcmMuLaw[uint16(s)>>2] }

// DecodeALaw expands src into dst, which must be as long.
func DecodeALaw(dst []int16, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = aLawPCM[b]
	}
}

// DecodeMuLaw expands src into dst, which must be as long.
func DecodeMuLaw(dst []int16, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = muLawPCM[b]
	}
}

// EncodeALaw compresses src into dst, which must be as long.
func EncodeALaw(dst []byte, src []int16) {
	dst = dst[:len(src)]
	for i, s := range src {
		dst[i] = pcmALaw[uint16(s)>>3]
	}
}

// EncodeMuLaw compresses src into dst, which must be as long.
func EncodeMuLaw(dst []byte, src []int16) {
	dst = dst[:len(src)]
	for i, s := range src {
		dst[i] = pcmMuLaw[uint16(s)>>2]
	}
}

// ALawToMuLaw and MuLawToALaw convert bytes without a detour over samples.
func ALawToMuLaw(dst, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = aToMu[b]
	}
}

// MuLawToALaw is the other direction of ALawToMuLaw.
func MuLawToALaw(dst, src []byte) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = muToA[b]
	}
}

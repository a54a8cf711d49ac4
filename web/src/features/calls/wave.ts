// A mirrored area for a row of peaks (0 to 1) around a middle line, 1000 units wide.
export function wavePath(peaks: number[], middle: number, reach = 27): string {
  const n = peaks.length
  if (n === 0) return ''
  const x = (i: number) => ((i / Math.max(1, n - 1)) * 1000).toFixed(1)
  // Speech lives in the lower part of the scale; the root makes it visible.
  const y = (v: number) => Math.max(0.6, Math.sqrt(Math.max(0, Math.min(1, v))) * reach)
  const up = peaks.map((v, i) => `${x(i)} ${(middle - y(v)).toFixed(1)}`)
  const down = peaks.map((v, i) => `${x(i)} ${(middle + y(v)).toFixed(1)}`).reverse()
  return `M${up.join('L')}L${down.join('L')}Z`
}

// The look that all charts share.
import type { EChartsCoreOption } from 'echarts/core'

export const palette = { accent: '#0f766e', pale: '#8cc9c2', warn: '#c9821b', bad: '#b3261e', ink: '#455961', line: '#e4eaec', info: '#1f5a9c' }

export function baseChart(): EChartsCoreOption {
  return {
    textStyle: { fontFamily: 'inherit', color: palette.ink },
    grid: { left: 8, right: 12, top: 34, bottom: 4, containLabel: true },
    tooltip: { trigger: 'axis', borderColor: palette.line, textStyle: { color: '#15252b', fontSize: 13 } },
    legend: { top: 0, right: 4, itemWidth: 14, itemHeight: 8, icon: 'roundRect', textStyle: { color: palette.ink } },
    animationDuration: 300,
  }
}

export function categoryAxis(data: string[]): Record<string, unknown> {
  return { type: 'category', data, axisTick: { show: false }, axisLine: { lineStyle: { color: palette.line } }, axisLabel: { color: palette.ink, hideOverlap: true } }
}

export function valueAxis(extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'value', minInterval: 1, splitLine: { lineStyle: { color: palette.line } }, axisLabel: { color: palette.ink }, ...extra }
}

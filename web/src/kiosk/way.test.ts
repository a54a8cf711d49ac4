import { describe, expect, it } from 'vitest'
import { spot, steps, storeys } from './way'

describe('the way', () => {
  it('reads the words of the directory', () => {
    expect(spot('门诊楼3层A区')).toEqual({ building: '门诊楼', floor: 3, part: 'A区' })
    expect(spot('门诊楼 1 层大厅')).toEqual({ building: '门诊楼', floor: 1, part: '大厅' })
    expect(spot('东院2号楼5层')).toEqual({ building: '东院2号楼', floor: 5, part: '' })
    expect(spot('东院5号楼')).toEqual({ building: '东院5号楼', floor: 0, part: '' })
    expect(spot('医技楼-1层')).toEqual({ building: '医技楼', floor: -1, part: '' })
    expect(spot('')).toEqual({ building: '', floor: 0, part: '' })
  })
  const keys = (from: string, floor: string, here = true, room = ''): string => steps(from, { floor, room, here, campus: '东湖院区' }).map((s) => `${s.key.slice(4)} ${s.at}`).join(', ')
  it('says up, down, the same floor, another building, another campus', () => {
    expect(keys('门诊楼1层大厅', '门诊楼3层A区', true, '2诊室')).toBe('up 3, part A区, room 2诊室')
    expect(keys('门诊楼3层', '门诊楼-1层')).toBe('down -1')
    expect(keys('门诊楼3层', '门诊楼3层B区')).toBe('same 3, part B区')
    expect(keys('门诊楼1层大厅', '住院楼9层')).toBe('building 住院楼, floor 9')
    expect(keys('门诊楼1层大厅', '东院2号楼5层', false)).toBe('campus 东湖院区, building 东院2号楼, floor 5')
    expect(keys('', '')).toBe('')
  })
  it('stacks the floors of a building, with the one of the machine', () => {
    const list = [{ floor: '门诊楼3层A区' }, { floor: '门诊楼3层B区' }, { floor: '门诊楼5层' }, { floor: '住院楼9层' }]
    expect(storeys(list, '门诊楼', '门诊楼1层大厅').map((s) => [s.floor, s.places.length, s.here])).toEqual([[5, 1, false], [3, 2, false], [1, 0, true]])
    expect(storeys(list, '东院5号楼', '门诊楼1层')).toEqual([])
  })
})

'use strict'

// Judgements of growing memory and of the pauses of the garbage collector.

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { judge, rules } = require('../../lib/doctor/judge/heap.js')
const { FROM, NO_DURATIONS, SETUP, TIME, block, facts, rows, stack } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/judge/heap').Container} Container
 */

const MB = 1e6

/**
 * Builds sizes after major collections, at equal distances over the measurement.
 * @param {number[]} sizes of the heap, in MB
 * @param {number[]} external sizes of other memory, in MB
 */
function majors(sizes, external = sizes.map(() => 20)) {
  return sizes.map((size, index) => ({
    at: FROM + (index * TIME) / (sizes.length - 1),
    heapUsed: size * MB,
    external: external[index] * MB
  }))
}

/**
 * @param {Partial<Container>} [fields]
 * @returns {Container}
 */
function container(fields = {}) {
  const declared = { file: '/srv/a.js', line: 3 }
  const adds = stack('remember a.js:9')
  const path = 'handler.context → scope.cache'
  const figures = { entries: [500, 5000], bytes: [1 * MB, 9 * MB] }
  return { kind: 'Map', name: 'cache', path, ...figures, declared, adds, removal: 'none', ...fields }
}

const GROWING = majors([10, 12, 14, 16, 18, 20])
const FLAT = rows(() => ({}))

/** @param {Partial<ProcessFacts>} fields */
function judged(fields) {
  return judge(facts([{ rows: FLAT, ...fields }]), SETUP)
}

describe('a heap that grows', () => {
  test('is certain with a container, at the line that adds to it', () => {
    const allocations = [{ before: 0, after: 8 * MB, frames: stack('make a.js:5 < remember a.js:8 < handler a.js:20') }]
    const [finding, ...others] = judged({
      majors: GROWING,
      containers: [container()],
      allocations,
      heapLimit: 100 * MB
    })
    assert.deepEqual(others, [])
    const { rule, id, title, confidence, file, line, name, evidence } = finding
    assert.deepEqual(
      { rule, id, title, confidence, file, line, name, function: finding.function },
      {
        rule: 5,
        id: 'growth',
        title: 'cache grows',
        confidence: 'certain',
        file: '/srv/a.js',
        line: 9,
        name: 'cache',
        function: 'remember'
      }
    )
    assert.equal(
      evidence.text,
      'cache (Map) grew from 500 to 5,000 entries and holds 8 MB more. The heap grew by 1 MB a second, from 10 MB to 20 MB, measured after ' +
        '6 major collections; at this rate it reaches its limit of 100 MB in 80 s. No line of its file removes entries.'
    )
    assert.deepEqual(evidence.declared, { file: '/srv/a.js', line: 3 })
    assert.deepEqual(
      finding.frames.map(frame => `${frame.name}:${frame.line}`),
      ['make:5', 'remember:9', 'handler:20']
    )
  })

  test('is likely without a container, at the line with the most live bytes', () => {
    const allocations = [
      { before: 0, after: 3 * MB, frames: stack('map < rows a.js:5 < handler a.js:20') },
      { before: 0, after: 2 * MB, frames: stack('rows a.js:5 < other a.js:30') },
      { before: 0, after: 4 * MB, frames: stack('log b.js:1') }
    ]
    const [{ confidence, file, line, name, evidence }] = judged({ majors: GROWING, allocations })
    assert.deepEqual(
      { confidence, file, line, name },
      { confidence: 'likely', file: '/srv/a.js', line: 5, name: undefined }
    )
    assert.equal(evidence.allocated, 5 * MB)
  })

  test('has the line that keeps what other lines allocate', () => {
    const [keeper] = stack('remember a.js:9')
    const allocations = [
      { before: 0, after: 3 * MB, frames: stack('make a.js:5 < remember a.js:8'), keeper },
      { before: 0, after: 3 * MB, frames: stack('parse b.js:1 < remember a.js:8'), keeper },
      { before: 0, after: 4 * MB, frames: stack('log b.js:1') }
    ]
    const [{ line, evidence, frames }] = judged({ majors: GROWING, allocations })
    assert.deepEqual([line, evidence.allocated, frames.map(frame => frame.line)], [9, 6 * MB, [5, 9]])
  })

  test('has no line if none holds much of the growth', () => {
    const allocations = [{ before: 0, after: MB, frames: stack('rows a.js:5') }]
    const [{ confidence, file, line, evidence }] = judged({ majors: GROWING, allocations })
    assert.deepEqual({ confidence, file, line }, { confidence: 'likely', file: '', line: 0 })
    assert.doesNotMatch(evidence.text, /alive/)
  })

  test('has a finding for each container that holds much of it', () => {
    const containers = [
      container({ name: 'small', bytes: [0, MB] }),
      container({ name: 'a', bytes: [0, 3 * MB], adds: stack('one a.js:1') }),
      container({ name: 'b', bytes: [0, 6 * MB], adds: stack('two a.js:2') })
    ]
    const findings = judged({ majors: GROWING, containers })
    assert.deepEqual(
      findings.map(({ name, line }) => ({ name, line })),
      [
        { name: 'b', line: 2 },
        { name: 'a', line: 1 }
      ]
    )
  })

  test('is not explained by a container that holds little', () => {
    const [{ name, confidence }] = judged({ majors: GROWING, containers: [container({ bytes: [0, MB] })] })
    assert.deepEqual({ name, confidence }, { name: undefined, confidence: 'likely' })
  })

  test('is explained by the bytes between the snapshots, if they are known', () => {
    const few = { entries: [2000, 2300], bytes: [20 * MB, 23 * MB] }
    const confidence = (/** @type {Partial<Container>} */ fields) => {
      const [finding] = judged({ majors: GROWING, containers: [container({ ...few, ...fields })] })
      return [finding.name, finding.confidence]
    }
    assert.deepEqual(confidence({ heap: [30 * MB, 34 * MB] }), ['cache', 'certain'])
    assert.deepEqual(confidence({ heap: [30 * MB, 40 * MB] }), ['cache', 'likely'])
    assert.deepEqual(confidence({ heap: [30 * MB, 50 * MB] }), [undefined, 'likely'])
    assert.deepEqual(confidence({ heap: [30 * MB, 29 * MB] }), ['cache', 'certain'])
  })

  for (const removal of /** @type {const} */ (['some', 'bounded'])) {
    test(`is only possible if the file removes entries: ${removal}`, () => {
      const [{ confidence, evidence }] = judged({ majors: GROWING, containers: [container({ removal })] })
      assert.equal(confidence, 'possible')
      assert.match(evidence.text, removal === 'some' ? /removes entries/ : /limits the number of entries/)
    })
  }

  test('is only possible in a cache of a package with a limit', () => {
    const containers = [container({ path: 'scope.pages → LRUCache.#keyMap', removal: 'unknown' })]
    assert.equal(judged({ majors: GROWING, containers })[0].confidence, 'possible')
  })

  test('grows on although collections that follow each other closely at the end differ by garbage', () => {
    /** Seconds and megabytes. */
    const sizes = [
      [0, 14],
      [0.94, 17.7],
      [3.28, 22.4],
      [4.39, 25.3],
      [5.97, 29.4],
      [6.59, 29.8],
      [7.12, 29.3]
    ]
    const late = sizes.map(([at, size]) => ({ at: FROM + at * 1000, heapUsed: size * MB, external: 20 }))
    assert.equal(judged({ majors: late, containers: [container()] })[0]?.confidence, 'certain')
  })

  test('has levelled off if the collections close together at the end are like the one before', () => {
    const sizes = [
      [0, 14],
      [1, 20],
      [2, 26],
      [4, 30],
      [6, 30.1],
      [6.5, 29.9],
      [7, 30]
    ]
    const full = sizes.map(([at, size]) => ({ at: FROM + at * 1000, heapUsed: size * MB, external: 20 }))
    assert.deepEqual(judged({ majors: full, containers: [container({ removal: 'some' })] }), [])
  })

  test('is as sure with three collections if it is steady', () => {
    assert.equal(judged({ majors: majors([10, 20, 30]) })[0].confidence, 'likely')
    assert.equal(judged({ majors: majors([10, 28, 30]) })[0].confidence, 'possible')
    assert.equal(judged({ majors: majors([10, 12, 30]) })[0].confidence, 'possible')
  })

  test('is less sure with few collections', () => {
    const few = majors([10, 20])
    assert.equal(judged({ majors: few })[0].confidence, 'possible')
    assert.equal(judged({ majors: few, containers: [container()] })[0].confidence, 'likely')
  })

  test('is named by its declaration or its path if no line adds', () => {
    const [declared] = judged({ majors: GROWING, containers: [container({ adds: [] })] })
    assert.deepEqual([declared.line, declared.name], [3, 'cache'])
    const { declared: _, ...bare } = container({ name: '', adds: [], path: '(Global handles)' })
    const [nameless] = judged({ majors: GROWING, containers: [bare] })
    assert.equal(nameless.title, 'a container grows')
    assert.match(nameless.evidence.text, /^A container \(\(Global handles\)\) \(Map\) grew/)
  })

  test('outside of the heap is judged by the same rules', () => {
    const external = rows(index => ({ external: 20 * MB + index * 1_250_000 }))
    const sizes = majors([10, 10, 10, 10, 10, 10], [20, 30, 40, 50, 60, 70])
    const [{ confidence, title, evidence }] = judged({ majors: sizes, rows: external })
    assert.equal(confidence, 'likely')
    assert.equal(title, 'growing memory outside of the heap')
    assert.equal(evidence.where, 'outside')
    const half = majors([10, 10, 10, 10, 10, 10], [20, 25, 30, 35, 40, 45])
    assert.equal(judged({ majors: half, rows: external })[0].confidence, 'possible')
    // Each request in flight may have a stream of zlib.
    const load = { requests: 3000, errors: 0, connections: 100, durations: NO_DURATIONS }
    const [inFlight] = judge(facts([{ majors: sizes, rows: external }], { load }), SETUP)
    assert.equal(inFlight.confidence, 'possible')
    const few = majors([10, 10, 10, 10, 10, 10], [1, 2, 3, 4, 5, 6])
    assert.deepEqual(judged({ majors: few, rows: external }), [])
    const holding = container({ bytes: [1 * MB, 31 * MB] })
    const [named] = judged({ majors: sizes, rows: external, containers: [holding] })
    assert.deepEqual([named.name, named.confidence], ['cache', 'certain'])
  })
})

test('a collection of the program at the end does not hide the growth', () => {
  const sizes = majors([10, 14, 18, 22])
  const last = sizes[sizes.length - 1]
  const [{ confidence }] = judged({ majors: [...sizes, { ...last, at: last.at + 20 }] })
  assert.equal(confidence, 'likely')
})

test('a thorough collection at the end does not hide the growth', () => {
  const sizes = [10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 55, 54]
  const [{ confidence }] = judged({ majors: majors(sizes) })
  assert.equal(confidence, 'likely')
})

test('a few sizes that are close to a line by chance are a hint', () => {
  const sizes = [
    [0, 9],
    [4, 12],
    [8, 15.1],
    [9.4, 15.8],
    [10, 15.4]
  ]
  const few = sizes.map(([at, size]) => ({ at: FROM + at * 1000, heapUsed: size * MB, external: 20 }))
  const [{ confidence }] = judged({ majors: few })
  assert.equal(confidence, 'possible')
})

test('a container that keeps an entry of each request is likely even if it grows slowly', () => {
  const requests = { count: 6000, errors: 0, routes: [] }
  const of = (/** @type {Partial<Container>} */ fields) =>
    judged({ majors: majors([20, 20.5, 21, 21.5, 22, 22.5]), requests, containers: [container(fields)] })
  const [finding, ...others] = of({ entries: [3600, 6000] })
  assert.deepEqual(others, [])
  assert.deepEqual([finding.confidence, finding.name, finding.line], ['likely', 'cache', 9])
  assert.equal(
    finding.evidence.text,
    'cache (Map) grew from 3,600 to 6,000 entries; the process served 6,000 requests. No line of its file removes entries.'
  )
  assert.deepEqual(of({ entries: [3600, 6000], removal: 'some' }), [])
  const { declared: _, ...ofUnknown } = container({ entries: [3600, 6000] })
  assert.deepEqual(judged({ requests, containers: [ofUnknown] }), [])
  assert.deepEqual(of({ entries: [3600, 6000], declared: { file: '/srv/node_modules/lru/index.js', line: 3 } }), [])
  assert.deepEqual(of({ entries: [5000, 6000] }), [])
  assert.deepEqual(of({ entries: [500, 1400] }), [])
})

test('a cache that has not reached its limit is a hint', () => {
  const allocations = [{ before: 0, after: 8 * MB, frames: stack('pageOf a.js:5'), isLimited: true }]
  const [{ confidence, evidence }] = judged({ majors: GROWING, allocations })
  assert.equal(confidence, 'possible')
  assert.match(evidence.text, /looks like a cache that has not reached its limit/)
})

test('a heap that has just filled up is a hint', () => {
  const [{ confidence }] = judged({ majors: majors([10, 14, 18, 22, 26, 30, 30.2]) })
  assert.equal(confidence, 'possible')
})

test('memory outside of the heap that is freed between collections is left alone', () => {
  const sizes = majors([10, 10, 10, 10, 10, 10], [20, 22, 24, 26, 28, 30])
  const external = rows(index => ({ external: (index % 3 === 2 ? 20 : 20 + index) * MB }))
  assert.deepEqual(judged({ majors: sizes, rows: external }), [])
})

describe('a heap that does not grow is left alone', () => {
  for (const [what, sizes] of /** @type {[string, number[]][]} */ ([
    ['steady', [20, 21, 19, 20, 21, 20]],
    ['slow', [20, 20.5, 21, 21.5, 22, 22.5]],
    ['small beside its size', [100, 102, 104, 106, 108, 110]],
    ['filled up', [10, 16, 22, 26, 26.1, 26, 26.1]],
    ['shrinking', [30, 25, 20, 15]],
    ['with garbage that comes and goes', [3, 10, 4, 30, 5, 50, 4, 60, 3, 70, 5, 80]],
    ['with one outlier', [20, 20, 90, 20, 20, 20, 20]],
    ['with one collection', [20]],
    ['without collections', []]
  ])) {
    test(what, () =>
      assert.deepEqual(
        judged({ majors: sizes.length > 1 ? majors(sizes) : [], containers: [container({ removal: 'unknown' })] }),
        []
      )
    )
  }
})

test('a moment shows no growth, and no share of collections', () => {
  const moment = majors([10, 14, 18, 22, 26]).map(major => ({ ...major, at: FROM + (major.at - FROM) / 10 }))
  assert.deepEqual(judged({ majors: moment }), [])
  const measured = { from: FROM, to: FROM + 200 }
  assert.deepEqual(judged({ measured, rows: rows(() => ({ gc: 100 })).slice(0, 1) }), [])
})

test('allocations of Node.js have no line of the program', () => {
  const allocations = [{ before: 0, after: 9 * MB, frames: stack('parserOnHeaders node:_http_common:77') }]
  const [{ file, evidence }] = judged({ majors: GROWING, allocations })
  assert.deepEqual([file, evidence.allocated], ['', 0])
})

describe('pauses', () => {
  /**
   * @param {(index: number) => Partial<import('../../lib/doctor/facts').Row>} row
   * @param {Partial<ProcessFacts>} [fields]
   */
  const pausing = (row, fields) => judged({ ...fields, rows: rows(row) })

  test('of more than 50 ms are certain if they repeat', () => {
    const blocks = [block('parse a.js:7 < handler a.js:9', { cause: 'gc' }), block('work a.js:1')]
    const [finding, ...others] = pausing(index => (index % 10 === 0 ? { gc: 80, longestGc: 60 } : {}), { blocks })
    assert.deepEqual(others, [])
    const { id, confidence, title, line, evidence } = finding
    assert.deepEqual(
      { id, confidence, title, line },
      { id: 'pauses', confidence: 'certain', title: '4 garbage collection pauses over 50 ms', line: 7 }
    )
    assert.match(evidence.text, /6 % of the busy time of the loop \(320 ms\); the longest pause was 60 ms/)
  })

  test('that are rare are likely if they are long', () => {
    const once = (/** @type {number} */ length) => (/** @type {number} */ index) =>
      index === 5 ? { gc: length, longestGc: length } : {}
    assert.equal(pausing(once(200))[0].confidence, 'likely')
    assert.equal(pausing(once(60))[0].confidence, 'possible')
    assert.deepEqual(pausing(once(50)), [])
  })

  test('count by their share of the busy time', () => {
    const share = (/** @type {number} */ gc, utilization = 0.5) => pausing(() => ({ gc, longestGc: 5, utilization }))
    assert.equal(share(60)[0].confidence, 'certain')
    assert.equal(share(40)[0].confidence, 'possible')
    assert.equal(share(20)[0].confidence, 'possible')
    assert.deepEqual(share(10), [])
    // A loop that is idle.
    assert.deepEqual(share(10, 0.05), [])
  })
})

test('pauses of a heap that grows are in the evidence of its growth', () => {
  const pausing = rows(index => (index % 5 === 0 ? { gc: 80, longestGc: 60 } : {}))
  const [finding, ...others] = judged({ majors: GROWING, rows: pausing })
  assert.deepEqual(others, [])
  assert.match(finding.evidence.text, /The heap grew by .*the longest pause was 60 ms/)
  const hint = judged({ majors: majors([10, 20]), rows: pausing })
  assert.deepEqual(
    hint.map(({ id }) => id),
    ['growth', 'pauses']
  )
})

test('each process is judged', () => {
  const findings = judge(facts([{ majors: GROWING }, { rows: FLAT }, { majors: GROWING, pid: 11 }]), SETUP)
  assert.equal(findings.length, 2)
  assert.deepEqual(
    rules.map(({ rule, id }) => [rule, id]),
    [
      [5, 'growth'],
      [5, 'pauses']
    ]
  )
})

test('rows of a long run are judged', () => {
  const [row] = rows(() => ({}))
  const many = Array.from({ length: 200_000 }, (_, index) => ({
    ...row,
    at: FROM + index * (TIME / 200_000),
    external: 20 * MB
  }))
  assert.deepEqual(judged({ majors: majors([10, 10]), rows: many }), [])
})

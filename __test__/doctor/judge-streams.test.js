'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { judge } = require('../../lib/doctor/judge/streams.js')
const { FROM, SETUP, block, facts, loop, stack, times } = require('../support/doctor-facts.js')

/**
 * @typedef {import('../../lib/doctor/facts').FactBlock} FactBlock
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/facts').WriteFact} WriteFact
 */

const WRITE = 'writeOrBuffer node:internal/streams/writable:570 < _write node:internal/streams/writable:499'
const SINK = `heavySync sink.js:3 < write sink.js:9 < ${WRITE} < handler server.js:20`
const FEW = { requests: { count: 20, errors: 0, routes: [] } }

/**
 * @param {FactBlock[]} blocks
 * @param {Partial<ProcessFacts>} [fields]
 */
function judged(blocks, fields = {}) {
  return judge(facts([{ blocks, ...FEW, ...fields }]), SETUP)
}

/** @param {ReturnType<typeof judge>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

/**
 * Builds a CPU profile of stacks with their times in milliseconds; the rest of ten seconds is idle.
 * @param {Record<string, number>} times
 */
function profile(times) {
  const busy = Object.values(times).reduce((sum, time) => sum + time, 0)
  const root = { id: 1, parent: -1, name: '(root)', file: '', line: 0, column: 0, self: 0 }
  const nodes = [root, { ...root, id: 2, parent: 1, name: '(idle)', self: 10_000 - busy }]
  for (const [text, time] of Object.entries(times)) {
    let parent = 1
    for (const [index, { name, file, line, column }] of stack(text).reverse().entries()) {
      const id = nodes.length + 1
      const self = index === stack(text).length - 1 ? time : 0
      nodes.push({ id, parent, name, file, line, column, self })
      parent = id
    }
  }
  return { interval: 10, samples: 1000, nodes }
}

test('the function that works is guilty, and the one that writes is evidence', () => {
  const [finding, ...others] = judged(times(24, block(SINK, { duration: 41, own: 41, waited: 2 })))
  assert.deepEqual(others, [])
  const { rule, title, confidence, file, line, function: name, time, evidence, fix } = finding
  assert.deepEqual(
    { rule, title, confidence, file, line, name, time },
    {
      rule: 3,
      title: 'computation in write()',
      confidence: 'certain',
      file: '/srv/sink.js',
      line: 3,
      name: 'heavySync',
      time: 984
    }
  )
  assert.equal(
    evidence.text,
    'Called by write (sink.js:9) for each chunk, it held the loop 24 times, 41 ms each, the longest 41 ms; requests waited 48 times.'
  )
  assert.deepEqual(evidence.write, { name: 'write', file: '/srv/sink.js', line: 9 })
  assert.match(fix, /pool\.stream/)
})

test('all functions that a stream calls for its chunks count', () => {
  for (const text of [
    'work a.js:1 < Sink._write a.js:5 < writeOrBuffer node:internal/streams/writable:570',
    'work a.js:1 < writev a.js:5 < doWrite node:internal/streams/writable:594 < clearBuffer node:internal/streams/writable:770',
    'work a.js:1 < _transform a.js:5 < Transform._write node:internal/streams/transform:171 < writeOrBuffer node:internal/streams/writable:570',
    'work a.js:1 < _flush a.js:5 < final node:internal/streams/transform:132',
    'deflate node:zlib:3 < work a.js:1 < write a.js:5 < writeOrBuffer node:internal/streams/writable:570'
  ]) {
    assert.deepEqual(brief(judged(times(3, block(text)))), ['work-in-write certain work:1'], text)
  }
})

test('work that is not for chunks belongs to other rules', () => {
  for (const text of [
    'work a.js:1 < afterWrite node:internal/streams/writable:706 < afterWriteTick node:internal/streams/writable:693',
    'work a.js:1 < emit node:events:518 < finish node:internal/streams/writable:940',
    'work a.js:1 < emit node:events:518 < addChunk node:internal/streams/readable:550',
    'work a.js:1 < handler a.js:5'
  ]) {
    assert.deepEqual(judged(times(5, block(text))), [], text)
  }
})

test('blocks below the threshold without starvation, in the debugger, or before the measurement do not count', () => {
  for (const fields of [
    { own: 5, starved: 35 },
    { isDebugged: true, cause: /** @type {const} */ ('blocked') },
    { began: FROM - 1 }
  ]) {
    assert.deepEqual(judged(times(5, block(SINK, fields))), [])
  }
})

test('two blocks are certain only if the profile shows the same', () => {
  const blocks = times(2, block(SINK))
  assert.deepEqual(judged(blocks), [])
  const profiled = profile({ [SINK]: 800, 'other a.js:1': 200 })
  const [finding, ...others] = judged(blocks, { profile: profiled })
  assert.deepEqual(others, [])
  assert.equal(finding.confidence, 'certain')
  assert.equal(finding.evidence.busy, 0.8)
  assert.match(finding.evidence.text, /80 % of the loop's busy time/)
})

test('lines of one function are one finding, at the line with most time', () => {
  const other = SINK.replace('sink.js:3', 'sink.js:4')
  const blocks = [...times(2, block(SINK)), ...times(3, block(other))]
  assert.deepEqual(brief(judged(blocks)), ['work-in-write certain heavySync:4'])
})

test('a write that calls several functions is one finding', () => {
  const other = SINK.replace('heavySync sink.js:3', 'parse sink.js:30')
  const findings = judged([...times(2, block(SINK)), ...times(1, block(other))])
  assert.deepEqual(brief(findings), ['work-in-write certain heavySync:3'])
  assert.equal(findings[0].evidence.count, 3)
})

test('short pieces of many requests are not blamed on their stream', () => {
  const requests = { count: 20_000, errors: 0, routes: [] }
  const blocks = times(50, block(SINK, { waited: 100 }))
  assert.deepEqual(judged(blocks, { requests, loop: loop({ utilization: 0.99, hold: 30 }) }), [])
})

test('without blocks, work in writes is a hint, and likely only if it fills long iterations', () => {
  const profiled = profile({ [SINK]: 4000, 'other a.js:1': 4000 })
  assert.deepEqual(brief(judged([], { profile: profiled })), ['work-in-write possible heavySync:3'])
  assert.deepEqual(brief(judged([], { profile: profiled, loop: loop({ hold: 15 }) })), [
    'work-in-write likely heavySync:3'
  ])
  const many = { requests: { count: 100_000, errors: 0, routes: [] } }
  assert.deepEqual(brief(judged([], { profile: profiled, loop: loop({ hold: 15 }), ...many })), [
    'work-in-write possible heavySync:3'
  ])
})

test('little of the busy time, or few samples, say nothing', () => {
  assert.deepEqual(judged([], { profile: profile({ [SINK]: 500, 'other a.js:1': 6000 }) }), [])
  assert.deepEqual(judged([], { profile: profile({ [SINK]: 100 }) }), [])
})

test('the profile counts native functions and copies of streams in packages', () => {
  const native =
    'update < heavySync sink.js:3 < write sink.js:9 < doWrite node_modules/readable-stream/lib/_stream_writable.js:428'
  const [finding] = judged([], { profile: profile({ [native]: 4000 }) })
  assert.deepEqual(brief([finding]), ['work-in-write possible heavySync:3'])
})

/** @param {Partial<WriteFact> & { unit?: 'bytes' | 'objects' }} [fields] */
function writes(fields = {}) {
  const fact = {
    stream: 'WriteStream',
    kind: /** @type {const} */ ('stream'),
    ignored: 5000,
    buffered: 20e6,
    highWaterMark: 16384,
    streams: 1,
    frames: stack('exportAll export.js:12 < handler server.js:3'),
    ...fields
  }
  return judge(facts([{ writes: [fact] }]), SETUP)
}

test('ignored backpressure is certain, with the line and the peak', () => {
  const [{ rule, id, confidence, file, line, evidence, fix }] = writes()
  assert.deepEqual(
    { rule, id, confidence, file, line },
    { rule: 3, id: 'backpressure', confidence: 'certain', file: '/srv/export.js', line: 12 }
  )
  assert.equal(
    evidence.text,
    'Wrote to the WriteStream 5,000 times in a row although write() had returned false: 20 MB were buffered, with a high water mark of 16 KB.'
  )
  assert.match(fix, /drain/)
  assert.match(writes({ kind: 'response', streams: 7 })[0].evidence.text, /^Wrote to the response .* 7 streams/)
})

test('few writes, few bytes, and buffers near the mark are right', () => {
  for (const fields of [
    { ignored: 32 },
    { buffered: 900_000 },
    { buffered: 15e6, highWaterMark: 4e6 },
    { buffered: 9000, highWaterMark: 16, unit: /** @type {const} */ ('objects') }
  ]) {
    assert.deepEqual(writes(fields), [], JSON.stringify(fields))
  }
  assert.equal(writes({ buffered: 17e6, highWaterMark: 8e6 }).length, 1)
})

test('objects are likely, and writes of packages by their size', () => {
  assert.equal(writes({ buffered: 50_000, highWaterMark: 16, unit: 'objects' })[0].confidence, 'likely')
  const frames = stack('send node_modules/ws/lib/sender.js:9 < broadcast chat.js:4')
  assert.deepEqual(brief(writes({ frames })), ['backpressure likely broadcast:4'])
  assert.deepEqual(brief(writes({ frames, buffered: 2e6 })), ['backpressure possible broadcast:4'])
})

test('a line is one finding in all processes', () => {
  const fact = {
    stream: 'Gzip',
    kind: /** @type {const} */ ('stream'),
    ignored: 99,
    buffered: 5e6,
    highWaterMark: 16384,
    streams: 3,
    frames: stack('fill a.js:1')
  }
  const findings = judge(facts([{ writes: [fact] }, { writes: [fact] }]), SETUP)
  assert.deepEqual(brief(findings), ['backpressure certain fill:1'])
  assert.equal(findings[0].evidence.streams, 6)
})

'use strict'

// Tables, charts and result files of the benchmarks.

const assert = require('node:assert/strict')
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { targetsAsMarkdown, targetsAsText } = require('../../benchmarks/harness/targets.js')
const { chart } = require('../../benchmarks/harness/chart.js')
const { intoDocument } = require('../../benchmarks/harness/readme.js')
const { files, gather, merge, read, write } = require('../../benchmarks/harness/results.js')
const { SUITES, casesOf, select } = require('../../benchmarks/harness/suites.js')
const { failedCase, summary } = require('../../benchmarks/harness/summary.js')

const root = join(__dirname, '..', '..')

/** @type {import('../../benchmarks/harness/case.js').Case} */
const CASE = {
  name: 'case',
  what: 'a | b <& "c">',
  reference: 'peer',
  measures: [
    {
      name: 'throughput',
      unit: 'MB/s',
      target: { of: 'ratio', atLeast: 2, contenders: ['offloop', 'offloop, copied'] }
    },
    { name: 'stop', unit: 'ms', fold: 'max', target: { of: 'value', atMost: 1682 } },
    { name: 'threads', unit: '', target: { of: 'value', atMost: 0 } }
  ],
  open: () => []
}
const MEASURED = {
  threads: 2,
  contenders: [
    { name: 'offloop', rounds: [40, 30, 100].map((throughput, round) => ({ throughput, stop: 5 + round })) },
    { name: 'offloop, copied', rounds: [10, 10, 10].map(throughput => ({ throughput, stop: 1 })) },
    { name: 'peer', rounds: [10, 10, 50].map(throughput => ({ throughput, stop: 20 })) }
  ]
}
const MACHINE = {
  machine: { cpu: 'a <fast> one', cores: 2, memory: 2 ** 33, system: 'linux 1 x64' },
  versions: { node: '20.0.0', offloop: '0.1.0' },
  load: [0.5, 1, 2],
  date: '2024-02-03T04:05:06.789Z'
}

function without(/** @type {string} */ name, /** @type {string} */ failure) {
  const contenders = MEASURED.contenders.map(one => (one.name === name ? { name, rounds: [], failure } : one))
  return summary('suite', CASE, { threads: 2, contenders })
}

test('a ratio is the median of the ratios within rounds', () => {
  const { values, rounds } = summary('suite', CASE, MEASURED)
  const [own] = values
  assert.deepEqual([own.value, own.ratio, own.rounds, rounds], [40, 3, [40, 30, 100], 3])
  assert.equal(values.find(({ measure, contender }) => measure === 'stop' && contender === 'offloop')?.value, 7)
})

test('judges a target for each of its contenders, and omits it where nothing was measured', () => {
  const { targets } = summary('suite', CASE, MEASURED)
  assert.deepEqual(
    targets.map(({ contender, text, reached, met }) => [contender, text, reached, met]),
    [
      ['offloop', '≥ 2 ×', 3, true],
      ['offloop, copied', '≥ 2 ×', 1, false],
      ['offloop', '≤ 1,682 ms', 7, true]
    ]
  )
})

test('a failed contender misses only the targets that depend on it', () => {
  const own = without('offloop', 'broke')
  assert.deepEqual(own.failures, [{ contender: 'offloop', why: 'broke' }])
  assert.deepEqual(
    own.targets.map(({ contender, reached }) => [contender, reached]),
    [
      ['offloop', undefined],
      ['offloop, copied', 1],
      ['offloop', undefined],
      ['offloop', undefined]
    ]
  )
  const peer = without('peer', 'broke')
  assert.deepEqual(
    peer.targets.map(({ measure, reached, met }) => [measure, reached, met]),
    [
      ['throughput', undefined, false],
      ['throughput', undefined, false],
      ['stop', 7, true]
    ]
  )
})

test('a failed case misses all of its targets', () => {
  const failed = failedCase('suite', CASE, 'its process failed')
  assert.equal(failed.targets.length, 4)
  assert.ok(failed.targets.every(({ met, reached }) => !met && reached === undefined))
  assert.match(targetsAsText([failed]), /^case .* ≥ 2 × +FAILED .*throughput \(offloop, copied\)$/m)
  assert.match(targetsAsText([failed]), /\n0 of 4 targets met\n$/)
})

test('every row of the target table has the same number of cells', () => {
  const lines = targetsAsMarkdown([summary('suite', CASE, MEASURED)]).split('\n')
  assert.equal(lines.length, 5)
  for (const line of lines) assert.equal(line.split(/(?<!\\)\|/).length, 9, line)
  const [, , met, missed] = lines
  assert.equal(met, '| `case` | a \\| b <& "c">: throughput | 40 MB/s | 3 × | peer 10 MB/s | ≥ 2 × | met |')
  assert.match(missed, /throughput \(offloop, copied\).*\| \*\*MISSED\*\* \|$/)
})

/**
 * Lists the elements of an XML text with their raw attributes; throws if the text is not well-formed.
 * @param {string} xml
 */
function elements(xml) {
  const token = /<(\/?)(\w+)((?: [\w-]+="(?:[^"<&]|&\w+;)*")*)(\/?)>|(?:[^<>&]|&(?:amp|lt|gt|quot|apos);)+/y
  /** @type {string[]} */
  const open = []
  const found = []
  while (token.lastIndex < xml.length) {
    const start = token.lastIndex
    const match = token.exec(xml)
    assert.ok(match, `not well-formed start ${xml.slice(start, start + 40)}`)
    const [, isEnd, name, attributes, isEmpty] = match
    if (name === undefined) continue
    if (isEnd) assert.equal(open.pop(), name)
    else found.push({ name, attributes })
    if (!isEnd && !isEmpty) open.push(name)
  }
  assert.deepEqual(open, [])
  return found
}

test('a chart is well-formed XML with a bar for each contender and a tick for each target', () => {
  assert.throws(() => elements('<a><b></a></b>'), assert.AssertionError)
  assert.throws(() => elements('<a>&</a>'), assert.AssertionError)
  const svg = chart('suite', [summary('suite', CASE, MEASURED), without('offloop', 'broke')], ['a <fast> one'])
  const found = elements(svg)
  const widths = found.flatMap(
    ({ attributes }) => /class="(?:ours|other)".* width="([\d.]+)"/.exec(attributes)?.[1] ?? []
  )
  // Ratios of 3, 1 and 1, stops below a target of 1,682 ms; then the same without offloop.
  assert.deepEqual(widths.slice(0, 3), ['400.0', '133.3', '133.3'])
  assert.equal(widths.length, 10)
  const ticks = found
    .filter(({ name }) => name === 'path')
    .map(({ attributes }) => / d="M([\d.]+) /.exec(attributes)?.[1])
  assert.deepEqual(ticks, ['456.7', '456.7', '590.0', '590.0'])
  assert.match(svg, /prefers-color-scheme: dark/)
  assert.match(svg, /a \| b &lt;&amp; &quot;c&quot;&gt;/)
})

test('draws a negative value as an empty bar', () => {
  const { contenders } = MEASURED
  const shrunk = contenders.map(({ name, rounds }) => ({ name, rounds: rounds.map(round => ({ ...round, stop: -1 })) }))
  const svg = chart('suite', [summary('suite', CASE, { threads: 2, contenders: shrunk })], [])
  assert.match(svg, / width="0\.0" [^>]*>\n[^\n]*>-1 ms</)
  assert.doesNotMatch(svg, /"-/)
})

test('results contain each round, the machine, the method and the date', () => {
  const run = gather(MACHINE, [summary('suite', CASE, MEASURED), failedCase('other', CASE, 'gone')], 61.2)
  const generated = files([run])
  assert.deepEqual(Object.keys(generated).sort(), [
    'node-20.json',
    'node-20.md',
    'other.svg',
    'suite.svg',
    'summary.md'
  ])
  const parsed = JSON.parse(generated['node-20.json'])
  assert.deepEqual(Object.keys(parsed), ['machine', 'versions', 'load', 'date', 'method', 'seconds', 'results'])
  assert.deepEqual(parsed.results[0].values[0].rounds, [40, 30, 100])
  // Results read back make the same files.
  assert.deepEqual(files([parsed]), generated)
  assert.match(generated['node-20.md'], /2024-02-03 04:05 UTC, load average at the start 0\.50 1\.00 2\.00/)
  assert.match(generated['node-20.md'], /- `case`: all of it failed: gone/)
})

/** @param {import('../../benchmarks/harness/case.js').Outcome} own outcome of offloop */
function ping(own = { name: 'offloop', rounds: [{ '/ping, p99': 5, 'heavy requests': 150 }] }) {
  const contenders = [own, { name: 'naive', rounds: [{ '/ping, p99': 80, 'heavy requests': 50 }] }]
  const benchmark = casesOf('server').find(({ name }) => name === 'ping')
  assert.ok(benchmark)
  return summary('server', benchmark, { threads: 2, contenders })
}

test('replaces only the text between the marks of a document', () => {
  const run = gather(MACHINE, [ping(), summary('suite', CASE, MEASURED)], 1)
  const once = intoDocument('before\n<!-- bench -->\nold\n<!-- /bench -->\nbehind\n', run)
  assert.match(once, /^before\n<!-- bench -->\n.*\n<!-- \/bench -->\nbehind\n$/s)
  // Rows of cases that were not measured are omitted, as are cases that the document does not show.
  const rows = once.split('\n').filter(line => line.startsWith('| `'))
  assert.equal(rows.length, 1)
  assert.match(rows[0], /^\| `ping` \| [^|]+ \| 5 ms \| naive 80 ms \| 0\.063 × \|$/)
  const failed = intoDocument(once, gather(MACHINE, [ping({ name: 'offloop', rounds: [], failure: 'broke' })], 1))
  assert.match(failed, /^\| `ping` \| [^|]+ \| \*\*FAILED\*\* \| naive 80 ms \| {2}\|$/m)
  assert.doesNotMatch(once, /old/)
  assert.equal(intoDocument(once, run), once)
  assert.throws(() => intoDocument('<!-- /bench --><!-- bench -->', run), /must contain <!-- bench -->/)
})

test('the picture shows the response times of /ping', () => {
  assert.equal(files([gather(MACHINE, [summary('suite', CASE, MEASURED)], 1)])['under-load.svg'], undefined)
  const svg = files([gather(MACHINE, [ping()], 1)])['under-load.svg']
  const widths = elements(svg).flatMap(
    ({ attributes }) => /class="(?:ours|other)".* width="([\d.]+)"/.exec(attributes)?.[1] ?? []
  )
  assert.deepEqual(widths, ['25.0', '400.0'])
  assert.match(svg, />5 ms<.*>80 ms</s)
  assert.match(svg, /a &lt;fast&gt; one, 2 cores, 8 GiB, linux 1 x64, node 20\.0\.0</)
  assert.match(svg, /2024-02-03 04:05 UTC/)
})

test('a merged case replaces the one before and states its origin', () => {
  const run = gather(MACHINE, [summary('server', CASE, MEASURED), summary('stream', CASE, MEASURED)], 61)
  const other = { ...MACHINE, versions: { node: '24.1.0', offloop: '0.1.0' }, date: '2024-03-04T05:06:07.890Z' }
  const once = merge(run, gather(other, [ping(), failedCase('server', CASE, 'gone')], 1))
  assert.deepEqual(
    once.results.map(({ suite, name, origin }) => [suite, name, origin?.versions.node]),
    [
      ['server', 'case', '24.1.0'],
      ['server', 'ping', '24.1.0'],
      ['stream', 'case', undefined]
    ]
  )
  assert.equal(once.results[0].values.length, 0)
  assert.deepEqual([once.versions, once.date, once.seconds], [MACHINE.versions, MACHINE.date, 61])

  const generated = files([once])
  assert.deepEqual(files([JSON.parse(generated['node-20.json'])]), generated)
  assert.match(generated['node-20.md'], /^- case, ping: a <fast> one, .*, node 24\.1\.0, 2024-03-04 05:06 UTC/m)
  assert.match(generated['server.svg'], />case, ping: a &lt;fast&gt; one, .*, node 24\.1\.0</)
  assert.doesNotMatch(generated['stream.svg'], /24\.1\.0/)
  assert.match(generated['under-load.svg'], /node 24\.1\.0<.*2024-03-04 05:06 UTC/s)
  assert.doesNotMatch(generated['under-load.svg'], /node 20\.0\.0/)
  const document = intoDocument('<!-- bench --><!-- /bench -->', once)
  assert.match(document, /bench -->\na <fast> one, .*, node 24\.1\.0, /)
})

test('replaces whole files and keeps the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    write(join(folder, 'results'), { 'a.md': 'old', 'b.md': 'b' })
    write(join(folder, 'results'), { 'a.md': 'new' })
    assert.deepEqual(readdirSync(join(folder, 'results')).sort(), ['a.md', 'b.md'])
    assert.equal(readFileSync(join(folder, 'results', 'a.md'), 'utf8'), 'new')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the committed tables and charts match the committed results', () => {
  const folder = join(root, 'benchmarks', 'results')
  const runs = read(folder)
  const generated = files(runs)
  // doctor-peers.test.js checks the others.
  const names = readdirSync(folder).filter(name => !name.startsWith('doctor-peers.'))
  assert.deepEqual(names.sort(), Object.keys(generated).sort())
  const again = 'run `npm run bench -- --readme`'
  for (const [name, content] of Object.entries(generated)) {
    assert.equal(readFileSync(join(folder, name), 'utf8'), content, again)
    if (name.endsWith('.svg')) elements(content)
  }
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  assert.equal(intoDocument(readme, runs[0]), readme, again)
})

test('selects cases by suite or by name, and by default all except those on request', () => {
  const names = (/** @type {string[]} */ suites, /** @type {string[]} */ ...only) =>
    select(suites, only.length > 0 ? only : undefined).map(({ suite, benchmark }) => `${suite} ${benchmark.name}`)
  assert.deepEqual(names([], 'memory-256'), ['pool memory-256'])
  assert.ok(names(['pool']).includes('pool memory-256'))
  assert.deepEqual([...new Set(names([]).map(name => name.split(' ')[0]))], SUITES)
  assert.ok(!names([]).includes('pool memory-256'))
  assert.throws(() => select(['pools']), /There is no suite "pools"\. The suites are: cache, /)
  assert.throws(() => select(['pool'], ['floods']), /There is no case "floods"\. The cases are: flood, /)
})

test('case names are unique within a suite, measure names within a case', () => {
  for (const suite of SUITES) {
    const cases = casesOf(suite)
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length, suite)
    for (const { name, onRequest, measures } of cases) {
      assert.equal(new Set(measures.map(({ name }) => name)).size, measures.length, name)
      // A full run must report every target.
      assert.ok(!(onRequest && measures.some(({ target }) => target !== undefined)), name)
    }
  }
})

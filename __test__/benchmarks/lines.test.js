'use strict'

// Benchmarks under several lines of Node.js: the choice of a line, its files, and the comparison of lines.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { main, options } = require('../../benchmarks/run.js')
const { lineOf, overview, withRun } = require('../../benchmarks/harness/lines.js')
const { intoDocument } = require('../../benchmarks/harness/readme.js')
const { files, gather, merge, read, write } = require('../../benchmarks/harness/results.js')
const { casesOf } = require('../../benchmarks/harness/suites.js')
const { summary } = require('../../benchmarks/harness/summary.js')
const { NEWEST_LINE, NODE_LINES, lineOf: lineOfVersion } = require('../../scripts/lib/runtimes.js')

const FLOOD = casesOf('pool').find(({ name }) => name === 'flood')
const RESIDENT = casesOf('cache').find(({ name }) => name === 'native-memory')

/**
 * Returns results of one line, in which offloop has `ratio` times the throughput of Piscina.
 * @param {string} version
 * @param {number} ratio
 * @param {import('../../benchmarks/harness/summary.js').Summary[]} [more]
 */
function resultsOf(version, ratio, more = []) {
  assert.ok(FLOOD)
  const machine = {
    machine: { cpu: 'one', cores: 2, memory: 2 ** 33, system: 'linux 1 x64' },
    versions: { node: version, offloop: '0.2.0' },
    load: [0, 0, 0],
    date: `2024-02-03T04:05:${version.slice(0, 2)}.789Z`
  }
  const contenders = [
    { name: 'offloop', rounds: [{ throughput: 1000 * ratio }] },
    { name: 'piscina', rounds: [{ throughput: 1000 }] }
  ]
  return gather(machine, [summary('pool', FLOOD, { threads: 2, contenders }), ...more], 60)
}

test('selects the newest line by default, and any known one by name', () => {
  assert.equal(NEWEST_LINE, Math.max(...NODE_LINES))
  assert.equal(options(['pool']).node, NEWEST_LINE)
  for (const line of NODE_LINES) assert.equal(options(['--node', String(line)]).node, line)
  for (const line of ['21', '26.1', 'node26', '']) {
    assert.throws(() => options(['--node', line]), {
      message: `--node must be one of 20, 22, 24, 26. Received "${line}"`
    })
  }
})

test('measures only under the requested line', async () => {
  const running = lineOfVersion(process.versions.node)
  const other = NODE_LINES.find(line => line !== running)
  await assert.rejects(main(['--node', String(other), '--only', 'flood']), {
    message: `This is Node.js ${running}: use \`npm run bench -- --node ${other}\``
  })
})

test('each line has its own files, and the newest one the charts', () => {
  const generated = files(withRun([resultsOf('24.1.0', 20)], resultsOf('26.2.0', 30)))
  assert.deepEqual(Object.keys(generated).sort(), [
    'node-24.json',
    'node-24.md',
    'node-26.json',
    'node-26.md',
    'pool.svg',
    'summary.md'
  ])
  assert.equal(JSON.parse(generated['node-24.json']).versions.node, '24.1.0')
  assert.match(generated['node-24.md'], /^# Results of Node 24\n/)
  assert.match(generated['pool.svg'], /node 26\.2\.0</)
  assert.match(generated['node-26.md'], /\[pool\]\(pool\.svg\)/)
  assert.doesNotMatch(generated['node-24.md'], /pool\.svg/)
  // Adding an older line does not change the files of the newest one.
  const more = files(withRun(withRun([resultsOf('24.1.0', 20)], resultsOf('26.2.0', 30)), resultsOf('22.3.0', 10)))
  for (const name of ['pool.svg', 'node-26.json', 'node-26.md']) assert.equal(more[name], generated[name])
})

test('the README shows the newest line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    for (const run of [resultsOf('26.2.0', 30), resultsOf('20.1.0', 10), resultsOf('24.1.0', 20)]) {
      write(folder, { [`node-${lineOf(run)}.json`]: JSON.stringify(run) })
    }
    write(folder, { 'node-26.md': '', 'summary.md': '', 'pool.svg': '' })
    const runs = read(folder)
    assert.deepEqual(runs.map(lineOf), [26, 24, 20])
    assert.match(intoDocument('<!-- bench --><!-- /bench -->', runs[0]), /node 26\.2\.0.*\| 30 × \|/s)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a run replaces or joins only the results of its line', () => {
  assert.ok(RESIDENT)
  const more = summary('cache', RESIDENT, {
    threads: 2,
    contenders: [{ name: 'offloop', rounds: [{ 'V8 heap, growth': 5, 'resident, growth': 1300 }] }]
  })
  const runs = [resultsOf('26.2.0', 30, [more]), resultsOf('24.1.0', 20)]
  const later = resultsOf('26.3.0', 40)
  const [replaced, other] = withRun(runs, later)
  assert.deepEqual([replaced, other], [later, runs[1]])

  const [joined] = withRun(runs, later, merge)
  assert.deepEqual(
    joined.results.map(({ name, origin }) => [name, origin?.versions.node]),
    [
      ['native-memory', undefined],
      ['flood', '26.3.0']
    ]
  )
  // The first run of a line has nothing to join.
  assert.deepEqual(withRun(runs, resultsOf('22.1.0', 5), merge)[2], resultsOf('22.1.0', 5))
})

test('the overview has a column for each line and a row for each target', () => {
  const runs = [resultsOf('26.2.0', 30), resultsOf('24.1.0', 14.5)]
  const text = overview(runs)
  assert.match(text, /^\| case \| measured \| target \| Node 26 \| Node 24 \|$/m)
  assert.match(text, /^\| `flood` \| .*: throughput \| ≥ 15 × piscina \| 30 × \| \*\*14\.50 ×\*\* \|$/m)
  assert.match(text, /^- \[Node 26\]\(node-26\.md\): 1 of 1 targets met by 26\.2\.0, /m)
  assert.match(text, /^- \[Node 24\]\(node-24\.md\): 0 of 1 targets met by 24\.1\.0, /m)

  // Another limit makes another row.
  const [result] = runs[1].results
  const strict = { ...result, targets: result.targets.map(target => ({ ...target, text: '≥ 99 ×', limit: 99 })) }
  const rows = overview([runs[0], { ...runs[1], results: [strict] }]).split('\n')
  assert.deepEqual(
    rows.filter(row => row.startsWith('| `')).map(row => row.split(' | ').slice(2)),
    [
      ['≥ 15 × piscina', '30 ×', ' |'],
      ['≥ 99 × piscina', '', '**14.50 ×** |']
    ]
  )
})

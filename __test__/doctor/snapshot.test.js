'use strict'

// Comparisons of heap snapshots that this Node.js writes.

const assert = require('node:assert/strict')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, test } = require('node:test')
const { containersOf, joined, locate } = require('../../lib/doctor/source/containers.js')
const native = require('../../lib/native')
const { node } = require('../support/child.js')

/** @typedef {import('../../lib/doctor/source/containers').LocatedContainer} LocatedContainer */

const folder = mkdtempSync(join(tmpdir(), 'offloop-snapshot-'))
after(() => rmSync(folder, { recursive: true }))

/**
 * Runs a program that writes two snapshots. Returns their paths.
 * @param {string} program
 */
async function snapshots(program) {
  const paths = ['before', 'after'].map(name => join(folder, `${program}.${name}.heapsnapshot`))
  const { code, stderr } = await node([join(__dirname, '../fixtures/doctor', program), ...paths])
  assert.equal(code, 0, stderr)
  return paths
}

/**
 * Returns the line of the first text in a fixture.
 * @param {string} file
 * @param {string} text
 */
function lineOf(file, text) {
  const index = readFileSync(file, 'utf8').indexOf(text)
  assert.notEqual(index, -1, text)
  return readFileSync(file, 'utf8').slice(0, index).split('\n').length
}

describe('containers of a script', () => {
  const file = join(__dirname, '../fixtures/doctor/growing.js')
  /** @type {string[]} */
  let paths
  /** @type {Map<string, LocatedContainer>} */
  let found

  before(async () => {
    paths = await snapshots('growing.js')
    // The variable `exports` may hold its object too.
    const named = (await containersOf(paths[0], paths[1])).map(it => /** @type {const} */ ([it.name, it]))
    found = new Map(named.map(([name, container]) => [name.replace(/^module\./, ''), container]))
  })

  for (const [name, kind, declared, adds] of [
    ['list', 'Array', 'const list', 'list.push'],
    ['byId', 'Map', 'const byId', 'byId.set'],
    ['byNumber', 'Map', 'const byNumber', 'byNumber.set'],
    ['seen', 'Set', 'const seen', 'seen.add'],
    ['dictionary', 'Object', 'const dictionary', 'dictionary[`key'],
    ['Store.items', 'Set', 'items = new Set', 'this.items.add'],
    ['Store.#entries', 'Array', '#entries = []', 'this.#entries.push'],
    ['Store.all', 'Array', 'static all', 'Store.all.push'],
    ['inner', 'Array', 'const inner', 'inner.push'],
    ['replaced', 'Array', 'let replaced', 'replaced.push'],
    ['copied', 'Array', 'let copied', 'copied = [...copied'],
    ['state.notifications', 'Array', 'let state = { count: 0, notifications', 'state = { count: state'],
    ['exports.exported', 'Array', 'exports.exported = []', 'exports.exported.push']
  ]) {
    test(`${name} is named, with its lines`, () => {
      const container = found.get(name)
      assert.ok(container, [...found.keys()].join(', '))
      assert.equal(container.kind, kind)
      assert.deepEqual(container.entries, [500, 5000])
      assert.ok(container.bytes[1] > container.bytes[0] && container.bytes[0] > 0, String(container.bytes))
      assert.deepEqual(container.declared, { file, line: lineOf(file, declared) })
      assert.deepEqual(
        container.adds.map(({ file, line, isUser }) => ({ file, line, isUser })),
        [{ file, line: lineOf(file, adds), isUser: true }]
      )
      assert.equal(container.removal, name === 'replaced' ? 'some' : 'none')
    })
  }

  test('a container within another one has its name', () => {
    const group = found.get('groups[…]')
    assert.ok(group, [...found.keys()].join(', '))
    assert.deepEqual([group.kind, group.entries], ['Array', [500, 5000]])
    assert.equal(group.declared?.line, lineOf(file, 'const groups'))
    // Without a profile of allocations, all lines of the file that add to containers of this kind.
    const lines = group.adds.map(({ line }) => line)
    assert.ok(lines.includes(lineOf(file, "groups.get('all').push")), String(lines))
    assert.ok(!lines.includes(lineOf(file, 'byId.set')), String(lines))
  })

  test('a property of the global object has its path', () => {
    const recent = [...found.values()].find(({ name }) => name.endsWith('application.recent'))
    assert.ok(recent, [...found.keys()].join(', '))
    assert.deepEqual(recent.entries, [500, 5000])
  })

  test('nothing else grew', () => {
    const doubled = [...found.values()].filter(({ entries: [before, after] }) => after >= 1000 && after >= 2 * before)
    assert.equal(doubled.length, 15, [...found.keys()].join(', '))
  })

  test('a function that adds has its name', () => {
    assert.equal(found.get('list')?.adds[0].name, 'add')
    assert.equal(found.get('Store.all')?.adds[0].name, 'add')
  })

  test('the lines that add are sorted by live allocations', async () => {
    const text = 'const two = []\nfunction a(x) { two.push(x) }\nfunction b(x) { two.push(x) }\n'
    const script = join(folder, 'two.js')
    writeFileSync(script, text)
    const frame = { file: script, line: 3, column: 1, isAsync: false, isUser: true }
    const growth = /** @type {const} */ ({ kind: 'Array', name: 'two', path: '', file: script, line: 2 })
    const figures = { entries: [0, 1000], bytes: [0, 1], heap: [5, 6] }
    const { adds } = locate(
      { ...growth, ...figures },
      { allocations: [{ before: 0, after: 9, frames: [{ ...frame, name: 'b' }] }] }
    )
    assert.deepEqual(
      adds.map(({ name, line }) => [name, line]),
      [
        ['b', 3],
        ['a', 2]
      ]
    )
  })

  test('the lines of a file that was compiled in memory are those of the text that V8 ran', () => {
    const script = join(folder, 'compiled.ts')
    const text = 'type Row = object\nconst rows: Row[] = []\nfunction drop() {\nrows.length = 0\n}\n'
    writeFileSync(script, `${text}export function keep(list: Row[], row: Row) {\nlist.push(row)\n}\n`)
    const compiled = 'const rows=[];function drop(){rows.length=0}function keep(list,row){list.push(row)}'
    const at = (/** @type {string} */ part) => compiled.indexOf(part) + 1
    const frame = { name: 'keep', file: script, line: 1, column: at('(list'), isAsync: false, isUser: true }
    const growth = /** @type {const} */ ({ kind: 'Array', name: 'rows', path: '', file: script, line: 1 })
    const { adds, areKeepers, removal, declared } = locate(
      { ...growth, entries: [0, 1000], bytes: [0, 1], heap: [5, 6] },
      {
        allocations: [{ before: 0, after: 9, frames: [frame] }],
        ran: [{ file: script, from: at('function keep'), to: compiled.length }],
        textOf: () => compiled
      }
    )
    assert.deepEqual(
      adds.map(({ name, line, column }) => [name, line, column]),
      [['keep', 1, at('push')]]
    )
    assert.deepEqual([areKeepers, removal, declared?.line], [true, 'some', 2])
  })

  test('a snapshot has not grown since itself', async () => {
    assert.deepEqual(await native.compareSnapshots(paths[1], paths[1]), [])
    assert.deepEqual(await native.compareSnapshots(paths[1], paths[0]), [])
  })

  test('a file that is cut short is refused', async () => {
    const whole = readFileSync(paths[0])
    const cut = join(folder, 'cut.heapsnapshot')
    for (const length of [0, 100, 10_000, whole.length >> 1, whole.length - 5]) {
      writeFileSync(cut, whole.subarray(0, length))
      await assert.rejects(native.compareSnapshots(paths[0], cut), /^Error: Not a heap snapshot at byte \d+: expected /)
    }
  })
})

test('containers of a module are named', async () => {
  const file = join(__dirname, '../fixtures/doctor/growing.mjs')
  const [before, after] = await snapshots('growing.mjs')
  const found = new Map((await containersOf(before, after)).map(container => [container.name, container]))
  // Snapshots of Node.js 22 and earlier may not name exported variables.
  const mayBeNameless = Number.parseInt(process.versions.node, 10) < 24
  const names = [...found.keys()].map(name => (name === '' && mayBeNameless ? 'exported' : name))
  assert.deepEqual(names.sort(), ['exported', 'local'])
  for (const { entries, removal, name, declared } of found.values()) {
    assert.deepEqual(entries, [500, 5000])
    if (name === '') continue
    assert.equal(removal, name === 'local' ? 'bounded' : 'none')
    assert.deepEqual(declared, { file, line: lineOf(file, name === 'local' ? 'const local' : 'export const exported') })
  }
})

test('containers of one name are joined', () => {
  const growth = { kind: 'Array', name: 'groups[…]', path: '', file: '/a.js', line: 1, heap: [50, 90] }
  const growths = [
    { ...growth, entries: [1, 40], bytes: [10, 20] },
    { ...growth, entries: [5, 50], bytes: [10, 15], file: '/b.js' },
    { ...growth, entries: [2, 60], bytes: [5, 30] }
  ]
  const figures = joined(/** @type {any} */ (growths)).map(({ file, entries, bytes }) => ({ file, entries, bytes }))
  assert.deepEqual(figures, [
    { file: '/a.js', entries: [3, 100], bytes: [15, 50] },
    { file: '/b.js', entries: [5, 50], bytes: [10, 15] }
  ])
})

test('other files are refused', async () => {
  const other = join(folder, 'other')
  writeFileSync(other, '{"nodes":[1,2,3]}')
  await assert.rejects(native.compareSnapshots(other, other), {
    message: 'Not a heap snapshot at byte 17: expected nodes, their edges, and strings'
  })
  await assert.rejects(native.compareSnapshots(join(folder, 'none'), other), /none: No such file or directory/)
})

'use strict'

const assert = require('node:assert/strict')
const { mkdirSync, mkdtempSync, readFileSync, writeFileSync } = require('node:fs')
const { SourceMap } = require('node:module')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')
const { test } = require('node:test')
const { transformSync } = require('esbuild')
const { originalFrames } = require('../../lib/watch/source-maps')
const { node } = require('../support/child')

const WATCH = require.resolve('../../watch')

/** TypeScript whose guilty line differs from the compiled one. */
const SOURCE = `interface Options {
  duration: number
}

type Unused = { a: string }

export function guilty({ duration }: Options): void {
  const end: number = performance.now() + duration
  while (performance.now() < end);
}

const { watch } = require(${JSON.stringify(WATCH)})
const alive = setInterval(() => {}, 60_000)
watch({
  threshold: 20,
  maxPerStack: Infinity,
  onBlock: (block: any) => {
    console.log(JSON.stringify(block))
    if (block.samples[0]?.frames.some(({ name }: any) => name === 'guilty')) clearInterval(alive)
  }
})
setTimeout(() => guilty({ duration: 150 }), 50)
`

for (const sourcemap of /** @type {const} */ (['inline', 'external'])) {
  test(`positions are those of the TypeScript source, ${sourcemap} map`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
    const options = /** @type {const} */ ({ loader: 'ts', format: 'cjs', sourcefile: 'program.ts' })
    const { code, map } = transformSync(SOURCE, { ...options, sourcemap })
    const file = join(folder, 'program.js')
    writeFileSync(file, sourcemap === 'inline' ? code : `${code}//# sourceMappingURL=program.js.map\n`)
    if (sourcemap === 'external') writeFileSync(`${file}.map`, map)
    const { stdout, stderr } = await node([file])
    const blocks = stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    const frames = blocks.flatMap(block => block.samples[0].frames)
    const found = frames.find((/** @type {any} */ { name }) => name === 'guilty')
    assert.ok(found !== undefined, stdout + stderr)
    assert.deepEqual([found.file, found.line], [join(folder, 'program.ts'), 9])
  })
}

/**
 * Writes files into a new folder, and returns its path.
 * @param {Record<string, string>} files by their paths in the folder
 */
function folderWith(files) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/**
 * @param {string} file
 * @param {number} line
 * @param {number} column
 */
function frameAt(file, line, column) {
  return { name: 'guilty', file, line, column, isAsync: false, isUser: true }
}

/** @param {string} url */
const compiled = url => `guilty()\nguilty()\n//# sourceMappingURL=${url}\n`
/** @param {unknown} map */
const inline = map => `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`

const VALID = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAAA' }

for (const [title, code] of [
  ['a source that is not a text', compiled(inline({ ...VALID, sources: [{}] }))],
  ['a source that is absent', compiled(inline({ ...VALID, sources: [] }))],
  ['no sources', compiled(inline({ ...VALID, sources: undefined }))],
  ['mappings that are not a text', compiled(inline({ ...VALID, mappings: 5 }))],
  ['mappings with other characters', compiled(inline({ ...VALID, mappings: 'é' }))],
  ['a map that is null', compiled(inline(null))],
  ['a map that is not JSON', compiled('data:application/json;base64,AAAA')],
  ['sections that are not objects', compiled(inline({ version: 3, sections: [null, 5] }))],
  ['a URL with a wrong escape', compiled('%zz.map')],
  ['a URL of the network', compiled('https://example.com/a.js.map')],
  ['a map that is missing', compiled('missing.map')]
]) {
  test(`a frame keeps its position: ${title}`, async () => {
    const file = join(folderWith({ 'a.js': code }), 'a.js')
    assert.deepEqual(await originalFrames([frameAt(file, 1, 1)]), [frameAt(file, 1, 1)])
  })
}

for (const [title, map, source] of /** @type {const} */ ([
  ['relative to the map', { sources: ['../../from/a.ts'] }, 'from/a.ts'],
  ['with a root', { sourceRoot: '../../from', sources: ['a.ts'] }, 'from/a.ts'],
  ['with a root that is a URL', { sourceRoot: 'webpack://app/', sources: ['a.ts'] }, 'webpack://app/a.ts'],
  ['a URL', { sourceRoot: '../../from', sources: ['webpack-internal:///a.ts'] }, 'webpack-internal:///a.ts'],
  ['a URL of a file on another host', { sources: ['file://buildhost/a.ts'] }, 'file://buildhost/a.ts'],
  ['a URL of a file with a wrong escape', { sources: ['file:///%zz.ts'] }, 'file:///%zz.ts'],
  ['a URL of a file', { sourceRoot: '../../from', sources: ['file:///from/a%20b.ts'] }, '/from/a b.ts'],
  ['an absolute path', { sourceRoot: '../../from', sources: ['/from/a.ts'] }, '/from/a.ts']
])) {
  test(`the source of a map in another folder: ${title}`, async () => {
    const folder = folderWith({
      'dist/a.js': compiled('the%20maps/a.js.map'),
      'dist/the maps/a.js.map': JSON.stringify({ ...VALID, ...map })
    })
    const [{ file }] = await originalFrames([frameAt(join(folder, 'dist/a.js'), 1, 1)])
    assert.equal(file, source.startsWith('from') ? join(folder, source) : source)
  })
}

test('mappings apply within their line, up to the next one', async () => {
  // The origins of columns 2 and 6, column 8 without an origin, and column 4 of the third line.
  const mappings = 'EAAA,IAAI,E;;IACA'
  const file = join(folderWith({ 'a.js': compiled(inline({ ...VALID, mappings })) }), 'a.js')
  const columns = [1, 3, 6, 7, 8, 9, 20]
  const frames = [...columns.map(column => frameAt(file, 1, column)), frameAt(file, 2, 1), frameAt(file, 3, 9)]
  const found = await originalFrames(frames.reverse())
  assert.deepEqual(
    found.reverse().map(frame => (frame.file === file ? undefined : [frame.line, frame.column])),
    [undefined, [1, 1], [1, 1], [1, 5], [1, 5], undefined, undefined, undefined, [2, 5]]
  )
})

test('positions are those of SourceMap of Node.js', async () => {
  const text = readFileSync(__filename, 'utf8')
  const { code, map } = transformSync(text, { loader: 'js', sourcemap: 'external', sourcefile: 'a.ts', minify: true })
  const file = join(folderWith({ 'a.js': `${code}//# sourceMappingURL=a.js.map\n`, 'a.js.map': map }), 'a.js')
  const expected = new SourceMap(JSON.parse(map))
  const frames = Array.from({ length: code.indexOf('\n') }, (_, column) => frameAt(file, 1, column + 1))
  for (const [column, { line, column: found }] of (await originalFrames(frames)).entries()) {
    const { originalLine, originalColumn } = /** @type {any} */ (expected.findEntry(0, column))
    const position = originalLine === undefined ? [1, column + 1] : [originalLine + 1, originalColumn + 1]
    assert.deepEqual([line, found], position)
  }
})

test('a map of more than 4 MiB is not read', async () => {
  const map = { ...VALID, sourcesContent: ['x'.repeat(4 << 20)] }
  for (const files of [
    { 'a.js': compiled('a.js.map'), 'a.js.map': JSON.stringify(map) },
    { 'a.js': compiled(inline(map)) }
  ]) {
    const file = join(folderWith(files), 'a.js')
    assert.deepEqual(await originalFrames([frameAt(file, 1, 1)]), [frameAt(file, 1, 1)])
  }
})

test('the source of an inline map is relative to the compiled file', async () => {
  const folder = folderWith({ 'dist/a.js': compiled(inline({ ...VALID, sources: ['../from/a.ts'] })) })
  const [{ file }] = await originalFrames([frameAt(join(folder, 'dist/a.js'), 1, 1)])
  assert.equal(file, join(folder, 'from/a.ts'))
})

test('each section has its sources', async () => {
  const map = {
    version: 3,
    sections: [
      { offset: { line: 0, column: 0 }, map: { ...VALID, sourceRoot: 'first' } },
      { offset: { line: 1, column: 4 }, map: { ...VALID, sources: ['b.ts'], mappings: 'AACA;AACA' } }
    ]
  }
  const file = join(folderWith({ 'a.js': compiled(inline(map)) }), 'a.js')
  const frames = [frameAt(file, 1, 1), frameAt(file, 2, 1), frameAt(file, 2, 5), frameAt(file, 3, 2)]
  assert.deepEqual(
    (await originalFrames(frames)).map(frame => [frame.file, frame.line, frame.column]),
    [
      [join(dirname(file), 'first/a.ts'), 1, 1],
      [file, 2, 1],
      [join(dirname(file), 'b.ts'), 2, 1],
      [join(dirname(file), 'b.ts'), 3, 1]
    ]
  )
})

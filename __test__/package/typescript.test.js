'use strict'

// The package's types in strict TypeScript projects.

const assert = require('node:assert/strict')
const { symlinkSync } = require('node:fs')
const { join } = require('node:path')
const { after, before, test } = require('node:test')
const { root, tool } = require('../../scripts/lib/process')
const { codeBlocks } = require('../support/documents')
const { installPackage, node, project, remove, assertWorks } = require('../support/installed-package')

/** @type {string} */
let folder
before(async () => {
  folder = await installPackage()
})
after(() => remove(folder))

/** The work of a consumer, with type annotations that must check. */
const TYPED = `
  import { pool, transforms, Cache, Pool, OffloopError, type PoolOptions, type PoolTransform } from 'offloop'
  const shout: PoolTransform<string, string> = transforms.worker<string, string>('./shout.cjs')
  const options: PoolOptions = { threads: 1, maxQueue: undefined }
  async function main(): Promise<void> {
    await new Pool(options).close()
    const hash: string = await pool.run(transforms.digest('sha256', { encoding: 'hex' }), 'abc')
    const shouted: string = await pool.run(shout, 'hello')
    let loads = 0
    const squares = new Cache({ max: 10, load: async (id: string) => ++loads && Number(id) ** 2 })
    const found: number[] = await Promise.all(['3', '3', '4'].map(id => squares.get(id)))
    // @ts-expect-error unknown digest
    const invalid = (): unknown => transforms.digest('sha257')
    if (new Error() instanceof OffloopError || typeof invalid !== 'function') throw new Error()
    console.log(JSON.stringify({ hash, shout: shouted, found, loads }))
  }
  main()
`

const STRICT = { strict: true, skipLibCheck: false, target: 'es2022', lib: ['es2022'], types: ['node'] }
const EXACT = { ...STRICT, exactOptionalPropertyTypes: true }

for (const [name, options, sources] of /** @type {[string, object, string[]][]} */ ([
  ['node16', { ...STRICT, module: 'node16', moduleResolution: 'node16' }, ['main.cts', 'main.mts']],
  ['node16, exact', { ...EXACT, module: 'node16', moduleResolution: 'node16' }, ['main.cts', 'main.mts']],
  ['nodenext, exact', { ...EXACT, module: 'nodenext', moduleResolution: 'nodenext' }, ['main.cts', 'main.mts']],
  ['bundler, exact', { ...EXACT, module: 'esnext', moduleResolution: 'bundler' }, ['main.mts']]
])) {
  test(`moduleResolution ${name}`, async () => {
    const config = JSON.stringify({ compilerOptions: options, files: sources })
    const path = project(folder, name, { 'tsconfig.json': config, 'main.cts': TYPED, 'main.mts': TYPED })
    symlinkSync(join(root, 'node_modules/@types'), join(path, 'node_modules/@types'), 'junction')
    const { code, output } = await node(path, [tool('typescript', 'tsc')])
    assert.equal(code, 0, output)
    for (const source of sources) await assertWorks(path, [source.replace('ts', 'js')])
  })
}

test('the block of docs/migrating.md compiles', async () => {
  const block = codeBlocks('docs/migrating.md').find(({ info }) => info === 'ts')
  const head = `import { transforms, type PoolTransform } from 'offloop'
    interface Job { path: string }\n`
  const tail = `export const all: [PoolTransform<Job, string>, PoolTransform<number, boolean>, PoolTransform<Job, Uint8Array>] =
    [main, crop, stated]\n`
  const path = project(folder, 'migrating', {
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...EXACT, module: 'node16' }, files: ['main.mts'] }),
    'main.mts': head + block?.code + tail,
    'images.d.ts': `export default function main(job: { path: string }): Promise<string>
      export function crop(width: number): boolean`
  })
  symlinkSync(join(root, 'node_modules/@types'), join(path, 'node_modules/@types'), 'junction')
  const { code, output } = await node(path, [tool('typescript', 'tsc')])
  assert.equal(code, 0, output)
})

/** Wrong calls, and the compiler's messages. */
const WRONG = [
  [
    `pool.run(transforms.gunzip(), 'text')`,
    `Argument of type 'string' is not assignable to parameter of type 'BytesLike | Moved<BytesLike>'.`
  ],
  [
    `pool.run(transforms.numeric.sort(), 'text')`,
    `Argument of type 'string' is not assignable to parameter of type 'NumericArray | Moved<NumericArray>'.`
  ],
  [
    `pool.run({ name: 'gzip' }, 'text')`,
    `Argument of type '{ name: string; }' is not assignable to parameter of type 'PoolTransform<string, unknown>'.`
  ],
  [
    `transforms.chain(transforms.numeric.sort(), transforms.worker<string, string>('./shout.cjs'))`,
    `Argument of type 'PoolTransform<string, string>' is not assignable to parameter of type 'PoolTransform<NumericArray, string>'.`
  ],
  [`pool.run(draw, { kind: 'oval' })`, `Type '"oval"' is not assignable to type '"round" | "square"'.`]
]

test('messages name the wrong argument and the expected type', async () => {
  const head = `import { pool, transforms, type PoolTransform } from 'offloop'
    declare const draw: PoolTransform<{ kind: 'round' | 'square' }, string>\n`
  const config = JSON.stringify({ compilerOptions: { ...EXACT, module: 'node16' }, files: ['main.mts'] })
  const path = project(folder, 'messages', {
    'tsconfig.json': config,
    'main.mts': head + WRONG.map(([call]) => call).join('\n')
  })
  symlinkSync(join(root, 'node_modules/@types'), join(path, 'node_modules/@types'), 'junction')
  const { output } = await node(path, [tool('typescript', 'tsc'), '--pretty', 'false'])
  const messages = output.match(/(?<=^main\.mts.*error TS\d+: ).*/gm)
  assert.deepEqual(
    messages,
    WRONG.map(([, message]) => message)
  )
})

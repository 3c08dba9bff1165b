'use strict'

// The reasons for which a loader refuses an addon file, and their fixes.

const { sep } = require('node:path')
const { glibcVersion } = require('./platform')

/**
 * @typedef {object} Reason
 * @property {string} why follows "... exists, but "
 * @property {string | undefined} fix undefined if the fix is another addon
 */

const BUILD = 'docs/compatibility.md describes how, with Rust 1.88 or newer and a C compiler'

/**
 * Reasons by the messages of the loaders: glibc, musl, macOS, Windows and Node.js itself. `$1` stands for the first group.
 * @type {[pattern: RegExp, why: string, fix?: string][]}
 */
const REFUSALS = [
  [
    /requires Node-API version (\d+), but this version of Node\.js only supports version (\d+)/,
    'it needs Node-API $1, and this Node.js has Node-API $2',
    'Use a newer Node.js'
  ],
  [
    /NODE_MODULE_VERSION (\d+)[\s\S]*NODE_MODULE_VERSION (\d+)/,
    'it was built for NODE_MODULE_VERSION $1, and this Node.js has $2'
  ],
  [/did not self-register/, 'it is a library, but not a Node.js addon'],
  [
    /version [`'"]?(GLIBC_[\w.]+)['"]? not found/,
    `it needs $1, which this system lacks: it has glibc ${glibcVersion() ?? 'of an unknown version'}`,
    `Use a newer system, or build offloop on this one: ${BUILD}`
  ],
  [
    /version [`'"]?((?:GLIBCXX|CXXABI|GCC)_[\w.]+)['"]? not found/,
    'it needs $1, which this system lacks',
    `Use a newer system, or build offloop on this one: ${BUILD}`
  ],
  [
    /static TLS/i,
    'this process has no room left for the thread-local memory of another library (static TLS)',
    'Load offloop before other addons, or start Node.js with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384'
  ],
  [
    /failed to map segment|Operation not permitted|noexec/i,
    'the system does not allow code in that file to run',
    'Install offloop on a file system that is not mounted noexec, or allow the file in the policy of this system'
  ],
  [
    /Application Control policy|blocked by (?:your administrator|group policy|policy)|code integrity|virus or potentially unwanted/i,
    'a policy of this Windows blocks it',
    'Ask the administrator of this machine to allow the file'
  ],
  [
    /code signature|system policy|not valid for use in process|library load denied/i,
    'macOS refuses it because of its signature or a policy',
    'Remove the quarantine with `xattr -d com.apple.quarantine` on the file, or let this Node.js load libraries that others signed'
  ],
  [
    /permission denied|\bEACCES\b|\bEPERM\b|Access is denied/i,
    'this user may not read it',
    'Give the user that runs Node.js the right to read and execute the file'
  ],
  [
    /being used by another process/i,
    'another program has it open and locks it',
    'Close that program, or let it finish'
  ],
  [/libc\.musl|ld-musl/, 'it was made for musl, and this system has another C library'],
  [
    /Error loading shared library (?:ld-linux|libc\.so\.6)|Error relocating/,
    'it was made for glibc, and this system has another C library'
  ],
  [
    /([^\s:]+): cannot open shared object file|Error loading shared library ([^\s:]+)|Library not loaded: (\S+)/,
    'it needs the library $1$2$3, which is missing',
    'Install $1$2$3 on this system'
  ],
  [
    /specified module could not be found/i,
    'a library that it needs is missing',
    'Install the Microsoft Visual C++ Redistributable, which has libraries that Windows lacks'
  ],
  [/undefined symbol:? (\S+)/i, 'it calls $1, which neither this Node.js nor a library of this system provides'],
  [
    /specified procedure could not be found|symbol not found/i,
    'it calls a function that neither this Node.js nor a library of this system provides'
  ],
  [
    /file too short|invalid ELF header|not a valid Win32 application|not a mach-o|incompatible architecture|wrong ELF class|Exec format error/i,
    'it is damaged, or was made for another kind of machine'
  ],
  [/out of memory|cannot allocate memory|ENOMEM|paging file/i, 'there is no memory for it', 'Free some memory'],
  [/too many open files|EMFILE|ENFILE/i, 'too many files are open', 'Close some, or raise the limit'],
  [/ERR_INVALID_PACKAGE_CONFIG|Invalid package config|Error parsing/i, 'the manifest of its package is damaged']
]

/**
 * @param {string} text
 * @returns {Reason | undefined}
 */
function refusalOf(text) {
  for (const [pattern, why, fix] of REFUSALS) {
    const match = pattern.exec(text)
    if (match === null) continue
    const fill = (/** @type {string} */ template) => template.replace(/\$(\d)/g, (_, group) => match[group] ?? '')
    return { why: fill(why), fix: fix && fill(fix) }
  }
  return undefined
}

/** @returns {Reason} */
function addonsDisabled() {
  // The command line comes last, and the last flag counts.
  const flags = [...wordsOf(process.env.NODE_OPTIONS ?? ''), ...process.execArgv].map(it => it.replaceAll('_', '-'))
  const isFlagged = flags.findLast(it => it === '--no-addons' || it === '--addons') === '--no-addons'
  const isRestricted = /** @type {any} */ (process).permission !== undefined
  const why = [
    isFlagged ? 'Node.js was started with --no-addons' : '',
    isRestricted ? 'the permission model forbids addons' : ''
  ].filter(it => it !== '')
  const fixes = [isFlagged ? 'start it without --no-addons' : '', isRestricted ? 'start it with --allow-addons' : '']
  const fix = fixes.filter(it => it !== '').join(', and ')
  if (why.length === 0) {
    return {
      why: 'this Node.js does not load addons',
      fix: 'Start it without --no-addons, and with --allow-addons where there is --permission'
    }
  }
  return { why: why.join(', and '), fix: fix[0].toUpperCase() + fix.slice(1) }
}

/**
 * Splits NODE_OPTIONS as Node.js does: at spaces outside of double quotes, within which a backslash escapes.
 * @param {string} options
 */
function wordsOf(options) {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"?|[^ "])+/gs) ?? []
  return words.map(word => word.replace(/"((?:\\.|[^"\\])*)"?/gs, (_, quoted) => quoted.replace(/\\(.)/gs, '$1')))
}

/**
 * @param {string | undefined} path of the manifest, which Node.js reads first, or of the addon beside it
 * @returns {Reason}
 */
function unreadable(path) {
  const folder = path?.replace(/[\\/](?:package\.json|[^\\/]*\.node)$/, sep)
  return {
    why: `the permission model forbids reading ${path ?? 'it'}`,
    fix: `Start it with --allow-fs-read=${folder ?? 'the folder of the package'}`
  }
}

/**
 * Returns why this Node.js cannot load a file, judged by the file alone.
 * @param {import('./library').Library | undefined} library
 */
function misfitOf(library) {
  if (library === undefined) return undefined
  const { system, arch, size, minSize } = library
  if (system === undefined) return `its ${size} bytes are not a shared library`
  const isOther = system !== process.platform || (arch !== undefined && arch !== process.arch)
  if (isOther) return `it was made for ${[system, arch].filter(Boolean).join('-')}`
  return size < minSize ? `it is cut short: it has ${size} bytes of at least ${minSize}` : undefined
}

/**
 * @param {any} error that a loader threw
 * @param {import('./library').Library | undefined} library that it refused
 * @param {string | undefined} path
 * @returns {Reason}
 */
function reasonOf(error, library, path) {
  const message = `${error.code ?? ''} ${error.message}`
  // The path may contain any words.
  const text = path === undefined ? message : message.replaceAll(path, '')
  // These have nothing to do with the file, which was not read.
  if (/loading addons is disabled|ERR_DLOPEN_DISABLED/i.test(text)) return addonsDisabled()
  if (/Access to this API has been restricted|ERR_ACCESS_DENIED/.test(text)) return unreadable(error.resource ?? path)
  const misfit = misfitOf(library)
  if (misfit !== undefined) return { why: misfit, fix: undefined }
  return refusalOf(text) ?? { why: 'the loader refuses it', fix: undefined }
}

module.exports = { BUILD, reasonOf }

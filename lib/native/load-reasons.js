'use strict'

// The reasons for which a loader refuses an addon file, and their fixes.

const { sep } = require('node:path')
const { glibcVersion } = require('./platform')

/**
 * @typedef {object} Reason
 * @property {string} why follows "... is there, but "
 * @property {string | undefined} fix undefined if the fix is another addon
 *
 * @typedef {import('./library').Library} Library
 * @typedef {(match: RegExpExecArray, path: string | undefined) => Reason} Explain
 */

const BUILD = '`npm rebuild offloop` needs Rust 1.88 or newer and a C compiler'

/** @param {string} why @param {string} [fix] @returns {Reason} */
const reason = (why, fix) => ({ why, fix })

/** Reasons that have nothing to do with the file, which was not read. @type {[pattern: RegExp, tell: Explain][]} */
const ADDONS_DISABLED = [
  [/loading addons is disabled|ERR_DLOPEN_DISABLED/i, addonsDisabled],
  [/Access to this API has been restricted|ERR_ACCESS_DENIED/, unreadable]
]

/** Reasons by the messages of the loaders: glibc, musl, macOS, Windows and Node.js itself. @type {[pattern: RegExp, tell: Explain][]} */
const REFUSALS = [
  [
    /requires Node-API version (\d+), but this version of Node\.js only supports version (\d+)/,
    ([, needed, has]) =>
      reason(`it needs Node-API ${needed}, and this Node.js has Node-API ${has}`, 'Use a newer Node.js')
  ],
  [
    /NODE_MODULE_VERSION (\d+)[\s\S]*NODE_MODULE_VERSION (\d+)/,
    ([, built, has]) => reason(`it was built for the modules of Node.js ${built}, and this one has ${has}`)
  ],
  [/did not self-register/, () => reason('it is a library but no addon of Node.js')],
  [
    /version [`'"]?((?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]+)['"]? not found/,
    ([, version]) => {
      const here = version.startsWith('GLIBC_') ? `: it has glibc ${glibcVersion() ?? 'of an unknown version'}` : ''
      return reason(
        `it needs ${version}, which this system lacks${here}`,
        `Use a newer system, or build offloop on this one: ${BUILD}`
      )
    }
  ],
  [
    /static TLS/i,
    () =>
      reason(
        'this process has no room left for the thread-local memory of another library (static TLS)',
        'Load offloop before other addons, or start Node.js with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384'
      )
  ],
  [
    /failed to map segment|Operation not permitted|noexec/i,
    () =>
      reason(
        'the system does not let code of that file run',
        'Install offloop on a file system that is not mounted noexec, or allow the file in the policy of this system'
      )
  ],
  [
    /Application Control policy|blocked by (?:your administrator|group policy|policy)|code integrity|virus or potentially unwanted/i,
    () => reason('a policy of this Windows blocks it', 'Ask the administrator of this machine to allow the file')
  ],
  [
    /code signature|system policy|not valid for use in process|library load denied/i,
    () =>
      reason(
        'macOS does not let it be loaded, by its signature or by policy',
        'Remove the quarantine with `xattr -d com.apple.quarantine` on the file, or let this Node.js load libraries that others signed'
      )
  ],
  [
    /permission denied|\bEACCES\b|\bEPERM\b|Access is denied/i,
    () => reason('this user may not read it', 'Give the user that runs Node.js the right to read and execute the file')
  ],
  [
    /being used by another process/i,
    () => reason('another program has it open, and locks it', 'Close that program, or let it finish')
  ],
  [/libc\.musl|ld-musl/, () => reason('it was made for musl, and this system has another C library')],
  [
    /Error loading shared library (?:ld-linux|libc\.so\.6)|Error relocating/,
    () => reason('it was made for glibc, and this system has another C library')
  ],
  [
    /([^\s:]+): cannot open shared object file|Error loading shared library ([^\s:]+)|Library not loaded: (\S+)/,
    match => {
      const library = match[1] ?? match[2] ?? match[3]
      return reason(`it needs the library ${library}, which is not there`, `Install ${library} on this system`)
    }
  ],
  [
    /specified module could not be found/i,
    () =>
      reason(
        'a library that it needs is not there',
        'Install the Microsoft Visual C++ Redistributable, which has libraries that Windows lacks'
      )
  ],
  [
    /undefined symbol:? (\S+)|specified procedure could not be found|symbol not found/i,
    ([, symbol]) =>
      reason(`it calls ${symbol ?? 'a function'}, which neither this Node.js nor the libraries of this system have`)
  ],
  [
    /file too short|invalid ELF header|not a valid Win32 application|not a mach-o|incompatible architecture|wrong ELF class|Exec format error/i,
    () => reason('it is damaged, or was made for another kind of machine')
  ],
  [
    /out of memory|cannot allocate memory|ENOMEM|paging file/i,
    () => reason('there is no memory for it', 'Free some memory')
  ],
  [/too many open files|EMFILE|ENFILE/i, () => reason('too many files are open', 'Close some, or raise the limit')],
  [
    /ERR_INVALID_PACKAGE_CONFIG|Invalid package config|Error parsing/i,
    () => reason('the manifest of its package is damaged')
  ]
]

/** @returns {Reason} */
function addonsDisabled() {
  // The command line comes last, and the last flag counts.
  const flags = [...wordsOf(process.env.NODE_OPTIONS ?? ''), ...process.execArgv].map(it => it.replaceAll('_', '-'))
  const isFlagged = flags.findLast(it => it === '--no-addons' || it === '--addons') === '--no-addons'
  const isRestricted = /** @type {any} */ (process).permission !== undefined
  const why = [
    isFlagged ? 'Node.js was started with --no-addons' : '',
    isRestricted ? 'the permission model keeps addons from being loaded' : ''
  ].filter(it => it !== '')
  const fixes = [isFlagged ? 'start it without --no-addons' : '', isRestricted ? 'start it with --allow-addons' : '']
  const fix = fixes.filter(it => it !== '').join(', and ')
  if (why.length === 0) {
    return reason(
      'this Node.js does not load addons',
      'Start it without --no-addons, and with --allow-addons where there is --permission'
    )
  }
  return reason(why.join(', and '), fix[0].toUpperCase() + fix.slice(1))
}

/**
 * Splits NODE_OPTIONS as Node.js does: at spaces outside of double quotes, within which a backslash escapes.
 * @param {string} options
 */
function wordsOf(options) {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"?|[^ "])+/gs) ?? []
  return words.map(word => word.replace(/"((?:\\.|[^"\\])*)"?/gs, (_, quoted) => quoted.replace(/\\(.)/gs, '$1')))
}

/** @param {RegExpExecArray} _match @param {string | undefined} path @returns {Reason} */
function unreadable(_match, path) {
  // Node.js reads the manifest first, then the addon beside it.
  const folder = path?.replace(/[\\/](?:package\.json|[^\\/]*\.node)$/, sep)
  return reason(
    `the permission model keeps Node.js from reading ${path ?? 'it'}`,
    `Start it with --allow-fs-read=${folder ?? 'the folder of the package'}`
  )
}

/**
 * Returns the reason why this Node.js cannot load a file, judged by the file alone.
 * @param {Library | undefined} library
 * @returns {Reason | undefined}
 */
function misfit(library) {
  if (library === undefined) return undefined
  const { system, arch, size, minSize } = library
  if (system === undefined) return reason(`its ${size} bytes are not a shared library`)
  const isOther = system !== process.platform || (arch !== undefined && arch !== process.arch)
  if (isOther) return reason(`it was made for ${[system, arch].filter(Boolean).join('-')}`)
  if (size < minSize) return reason(`it is cut short: it has ${size} bytes of at least ${minSize}`)
  return undefined
}

/**
 * @param {any} error that a loader threw
 * @param {Library | undefined} library that it was to load
 * @param {string | undefined} path
 * @returns {Reason}
 */
function reasonOf(error, library, path) {
  const message = `${error.code ?? ''} ${error.message}`
  // The path may contain any words.
  const text = path === undefined ? message : message.replaceAll(path, '')
  const disabled = matchReason(ADDONS_DISABLED, text, error.resource ?? path)
  return disabled ?? misfit(library) ?? matchReason(REFUSALS, text, path) ?? reason('the loader refuses it')
}

/** @param {[pattern: RegExp, tell: Explain][]} table @param {string} text @param {string | undefined} path */
function matchReason(table, text, path) {
  for (const [pattern, explain] of table) {
    const match = pattern.exec(text)
    if (match !== null) return explain(match, path)
  }
  return undefined
}

module.exports = { BUILD, misfit, reasonOf }

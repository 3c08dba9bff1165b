/**
 * Reports each block of the event loop: how long it lasted, which line caused it, and why.
 *
 * @packageDocumentation
 */

/** Summary of durations in milliseconds. All fields are 0 before the first duration. */
export interface Durations {
  /** Number of durations. */
  count: number
  /** Mean. */
  mean: number
  /** Median. */
  p50: number
  /** 90th percentile. */
  p90: number
  /** 99th percentile. */
  p99: number
  /** Maximum. */
  max: number
}

/** A call in a stack. */
export interface Frame {
  /** Name of the function, `<anonymous>` without one. */
  name: string
  /** Path of the file, `node:…` for Node's own, empty for functions of V8. */
  file: string
  /** Line number, from 1; 0 if unknown. */
  line: number
  /** Column number, from 1; 0 if unknown. */
  column: number
  /** Whether the function awaits the frames before it. */
  isAsync: boolean
  /** Whether the file is JavaScript that belongs neither to Node.js nor to a package in `node_modules`. */
  isUser: boolean
}

/** A stack of a block, requested when the block had lasted for some time. */
export interface BlockSample {
  /** How long the block had lasted at the request, in milliseconds. */
  at: number
  /**
   * `on-time`: captured within 5 ms. `late`: captured later in the same block, after native code had returned, so its line may follow
   * the guilty one. `none`: the block ended first.
   */
  capture: 'on-time' | 'late' | 'none'
  /** Time from the request to the capture, in milliseconds. */
  lateness: number
  /** Frames, innermost first, followed by asynchronous callers. Positions are those of the sources, if a source map is found. */
  frames: Frame[]
}

/** The HTTP request that a block belongs to. */
export interface BlockRequest {
  /** HTTP method. */
  method: string
  /** Route of the framework, or the path with its ids replaced by `:id`. */
  route: string
  /** `exact`: the stack begins in the handler. `likely`: no timer called the stack, and all requests in flight had this route. */
  certainty: 'exact' | 'likely'
}

/** An event-loop iteration that held its thread for at least the threshold. All durations are in milliseconds. */
export interface Block {
  /** When it began, as `Date.now()`. */
  began: number
  /** How long it lasted. */
  duration: number
  /**
   * `cpu`: JavaScript or regular expressions. `native`: native code, such as `JSON.parse`. `blocked`: a system call. `gc`: garbage
   * collections. `starved`: the thread got no core, because others used them or the CPU quota was used up. `suspended`: the process
   * was stopped. docs/watch.md has the shares that decide between them.
   */
  cause: 'cpu' | 'native' | 'blocked' | 'gc' | 'starved' | 'suspended'
  /** `duration` without the time in which the thread was starved or suspended. */
  own: number
  /** Time in which the thread was ready to run and got no core. */
  starved: number
  /** Time in garbage collections, included in the other durations. */
  gc: number
  /** Up to 8 stacks: after `threshold`, twice that time, four times, … */
  samples: BlockSample[]
  /** The system call in which the thread waited, if `cause` is `blocked`. Linux only. */
  systemCall?: string
  /** The HTTP request that caused the block, if it is known. */
  request?: BlockRequest
  /**
   * Number of HTTP requests that the server began after the first stack: the block delayed them. Earlier requests are not
   * counted, since they may have been idle.
   */
  waited: number
  /** `threadId` of `node:worker_threads`; 0 is the main thread. */
  thread: number
}

/** Options of {@link watch}. Unknown options are rejected. */
export interface WatchOptions {
  /** Minimum duration of a block, an integer of milliseconds, 10 to 60,000. Default: 100. */
  threshold?: number | undefined
  /**
   * Duration after which a block is reported while it lasts, as one line of JSON on the standard error: an integer of milliseconds from
   * `threshold` to 3,600,000, or `Infinity` for never. Default: 5,000, or `threshold` if that is more.
   */
  fatal?: number | undefined
  /** Whether the process is aborted by `SIGABRT` after such a report, for a supervisor to restart it. Default: false. */
  fatalExit?: boolean | undefined
  /** Receives blocks after they have ended, within the limits below. Errors that it throws are uncaught exceptions. */
  onBlock?: ((block: Block) => void) | undefined
  /** Maximum calls of `onBlock` in any minute: an integer from 0, or `Infinity`. Default: 10. */
  maxPerMinute?: number | undefined
  /** Maximum calls of `onBlock` in any minute for blocks with the same stack, or `Infinity`. Default: 1. */
  maxPerStack?: number | undefined
}

/** Measurements that this process allows. */
export interface Capabilities {
  /** Whether each iteration is measured exactly; otherwise timers measure blocks alone. */
  readonly iterations: boolean
  /** Whether stacks are captured. */
  readonly stacks: boolean
  /** Whether the processor time of the thread is known. */
  readonly cpu: boolean
  /** Whether starved time is known: the thread was ready to run, but got no core. */
  readonly runQueue: boolean
  /** Whether the quota of the control groups is known. */
  readonly throttling: boolean
  /** Whether system calls are known. */
  readonly systemCalls: boolean
  /** Why a capability is absent, by its name. */
  readonly missing: Readonly<Record<string, string>>
}

/** Statistics of a loop since the first watch began. Times are in milliseconds. */
export interface WatchStats {
  /** Durations of blocks by cause. */
  block: Partial<Record<Block['cause'], Durations>>
  /** How long each iteration held the loop. */
  hold?: Durations
  /** Time that a request would wait for the loop, for one arrival in each millisecond. */
  delay?: Durations
  /** Share of the time in which the loop was not idle, 0 to 1. */
  utilization?: number
  /** Starved time within blocks. */
  starved?: number
  /** Time in garbage collections. */
  gc?: number
  /** How often the watchdog has checked the loops. If this number stops growing, the watchdog does not run. */
  ticks?: number
}

/** Stops the watch when it is called. */
export interface Watch extends Disposable {
  (): void
  /** Measurements that this process allows. */
  readonly capabilities: Capabilities
  /** Reports no blocks until `resume`. */
  pause(): void
  /** Reports blocks again after `pause`. */
  resume(): void
  /** Calls a function and returns its result. Blocks of the call are not reported; those of its asynchronous continuation are. */
  expect<T>(call: () => T): T
  /** Returns `undefined` after the watch has been stopped. */
  stats(): WatchStats | undefined
}

/**
 * Watches the event loop of this thread until the returned function is called. Does not keep the process alive. Every block is
 * published once on the channel `offloop:block` of `node:diagnostics_channel`, without limits.
 *
 * @example
 * const stop = watch({ threshold: 100, onBlock: block => log.warn(block, 'loop blocked') })
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE` for an invalid option
 */
export function watch(options?: WatchOptions): Watch

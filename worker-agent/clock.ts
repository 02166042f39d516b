/** The two clocks: the wall for stamps that people read, the monotonic one for every decision about time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Milliseconds that never jump; only differences mean something. */
  monotonic(): number;
}

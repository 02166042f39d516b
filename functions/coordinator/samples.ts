/** Measurements that wait for the next update to a pool; those that nobody fetches do not pile up. */
import { samplesMax } from "../../schema/limits.ts";
import type { Sample } from "../domain/sample.ts";

type Count = Extract<Sample, { counter: string }>;
type Observation = Extract<Sample, { histogram: string }>;

/** Counters are kept as sums by name and labels, observations one by one; what is beyond `samplesMax` is not measured. */
export class Samples {
  readonly #sums = new Map<string, Count>();
  #observations: Observation[] = [];

  add(sample: Sample): void {
    if ("counter" in sample) this.#sum(sample);
    else if (this.#observations.length < samplesMax) this.#observations.push(sample);
  }

  addAll(samples: Iterable<Sample>): void {
    for (const sample of samples) this.add(sample);
  }

  /** All of them, to be told once. */
  take(): readonly Sample[] {
    const taken = [...this.#sums.values(), ...this.#observations];
    this.#sums.clear();
    this.#observations = [];
    return taken;
  }

  #sum(sample: Count): void {
    const key = JSON.stringify([sample.counter, sample.labels]);
    const before = this.#sums.get(key);
    if (before === undefined && this.#sums.size >= samplesMax) return;
    this.#sums.set(key, { ...sample, value: sample.value + (before?.value ?? 0) });
  }
}

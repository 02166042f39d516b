/** The metrics of one pool (SPEC §13), in memory; only the sums of its counters can be taken out and put in again. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CounterName, HistogramName, Sample } from "../domain/sample.ts";

/** What is read off when /metrics is asked for. */
export interface PoolGauges {
  /** DEAD: marked dead since this memory began. */
  readonly workers: Readonly<Record<"HEALTHY" | "DRAINING" | "DEAD", number>>;
  readonly slots: number;
  readonly used: number;
  readonly waiting: number;
  /** Slots that would be needed to run all that waits and runs. */
  readonly wanted: number;
}

/** What a counter has summed up under one set of labels (without the pool). */
export interface CounterSum {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const counters: Record<CounterName, { help: string; labels: string[] }> = {
  niyanta_workload_submissions_total: { help: "Submissions, by what became of them", labels: ["customer", "status"] },
  niyanta_workload_executions_total: { help: "Workloads that ended", labels: ["workload_type", "result"] },
  niyanta_fenced_writes_total: { help: "Writes of an older generation, refused", labels: [] },
  niyanta_broker_unreadable_total: { help: "Broker messages that could not be read", labels: [] },
  niyanta_broker_forged_total: { help: "Broker messages in which a worker spoke for another one", labels: [] },
};

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 28_800];
const bytesBuckets = [256, 1_024, 16_384, 262_144, 1_048_576, 4_194_304, 10_485_760];

const histograms: Record<HistogramName, { help: string; labels: string[]; buckets: number[] }> = {
  niyanta_workload_duration_seconds: {
    help: "From submission to the end",
    labels: ["customer", "workload_type"],
    buckets: secondsBuckets,
  },
  niyanta_scheduling_latency_seconds: { help: "From submission to assignment", labels: [], buckets: secondsBuckets },
  niyanta_checkpoint_size_bytes: { help: "Size of checkpoints, compressed", labels: [], buckets: bytesBuckets },
  niyanta_redistribution_seconds: {
    help: "From the loss of a worker to the next assignment",
    labels: [],
    buckets: secondsBuckets,
  },
};

const isCounter = (name: string): name is CounterName => Object.hasOwn(counters, name);

/** A version before this one may have had other counters, or other labels on them. */
const isOurs = ({ name, labels }: CounterSum): boolean =>
  isCounter(name) && counters[name].labels.toSorted().join() === Object.keys(labels).toSorted().join();

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #pool: string;
  #workersDead = 0;

  /** `pool` labels every metric, so that the texts of several pools can be one. */
  constructor(pool: string) {
    this.#pool = pool;
    const registers = [this.#registry];
    for (const [name, { help, labels }] of Object.entries(counters)) {
      const counter = new Counter({ name, help, labelNames: ["pool", ...labels], registers });
      // A series that is there from the beginning shows its first increment as a rise.
      if (labels.length === 0) counter.inc({ pool }, 0);
      this.#counters.set(name, counter);
    }
    for (const [name, { help, labels, buckets }] of Object.entries(histograms)) {
      const histogram = new Histogram({ name, help, labelNames: ["pool", ...labels], buckets, registers });
      if (labels.length === 0) histogram.zero({ pool });
      this.#histograms.set(name, histogram);
    }
  }

  record(samples: readonly Sample[]): void {
    for (const sample of samples) {
      const labels = { pool: this.#pool, ...sample.labels };
      if ("counter" in sample) this.#counters.get(sample.counter)?.inc(labels, sample.value);
      else this.#histograms.get(sample.histogram)?.observe(labels, sample.value);
    }
  }

  workerDied(): void {
    this.#workersDead += 1;
  }

  get workersDead(): number {
    return this.#workersDead;
  }

  /** Of the counters only: a histogram begins at zero with the memory, as Prometheus expects. */
  async sums(): Promise<CounterSum[]> {
    const read = Array.from(this.#counters, async ([name, counter]) => {
      const { values } = await counter.get();
      return values.map(({ labels: { pool: _, ...labels }, value }) => ({ name, labels: textsOf(labels), value }));
    });
    return (await Promise.all(read)).flat();
  }

  /** Adds what an earlier memory had summed up. */
  restore(sums: readonly CounterSum[]): void {
    for (const { name, labels, value } of sums.filter(isOurs)) {
      this.#counters.get(name)?.inc({ pool: this.#pool, ...labels }, value);
    }
  }

  /** Prometheus text, version 0.0.4. */
  async text(gauges: PoolGauges): Promise<string> {
    return `${await this.#registry.metrics()}\n${await this.#gaugeText(gauges)}`;
  }

  #gaugeText({ workers, slots, used, waiting, wanted }: PoolGauges): Promise<string> {
    const registry = new Registry();
    const gauge = (name: string, help: string, values: Readonly<Record<string, number>>, label?: string) => {
      const one = new Gauge({ name, help, labelNames: ["pool", ...(label ? [label] : [])], registers: [registry] });
      for (const [key, value] of Object.entries(values)) {
        one.set({ pool: this.#pool, ...(label ? { [label]: key } : {}) }, value);
      }
    };
    gauge("niyanta_worker_pool_size", "Workers that are there; DEAD: marked dead since the start", workers, "status");
    gauge("niyanta_worker_capacity_total", "Slots", { all: slots });
    gauge("niyanta_worker_capacity_used", "Slots that are taken", { all: used });
    gauge(
      "niyanta_scheduler_queue_depth",
      "Workloads of all priorities that wait for this pool, as far as it was told of them",
      { all: waiting },
    );
    gauge("niyanta_pool_slots_wanted", "Slots for all that runs and waits: a number for an autoscaler", {
      all: wanted,
    });
    return registry.metrics();
  }
}

const textsOf = (labels: Readonly<Record<string, string | number | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));

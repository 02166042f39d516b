/** The ledger against a recount of its attempts, whatever comes and goes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownType } from "../../../functions/domain/fit.ts";
import { type Attempt, Ledger } from "../../../functions/scheduler/ledger.ts";
import { t0 } from "../../support/records.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf } from "./pool.ts";

const workerNumbers = [1, 2, 3];
const customerNumbers = [1, 2];

const registration = (number: number) => registrationOf(number, 10);

type Operation =
  | { do: "enroll" | "remove"; worker: number }
  | { do: "reserve" | "recall"; worker: number; customer: number }
  | { do: "settle" | "hold" | "stop" | "end" | "free"; which: number };

const worker = fc.constantFrom(...workerNumbers);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constantFrom("enroll" as const, "remove" as const), worker }),
  fc.record({
    do: fc.constantFrom("reserve" as const, "recall" as const),
    worker,
    customer: fc.constantFrom(...customerNumbers),
  }),
  fc.record({
    do: fc.constantFrom("settle" as const, "hold" as const, "stop" as const, "end" as const, "free" as const),
    which: fc.nat({ max: 50 }),
  }),
);

class Played {
  readonly ledger = new Ledger();
  readonly attempts: Attempt[] = [];
  #next = 0;

  play(one: Operation): void {
    if (one.do === "enroll") this.ledger.enroll(registration(one.worker), t0);
    else if (one.do === "remove") this.ledger.removeWorker(workerId(one.worker));
    else if (one.do === "reserve") this.#reserve(one.worker, one.customer);
    else if (one.do === "recall") this.#recall(one.worker, one.customer);
    else if ("which" in one) this.#change(one);
  }

  /** As placement does it: it raises the worker's counts before the slot is reserved. */
  #reserve(number: number, customer: number): void {
    const candidate = this.ledger.candidates().find((one) => one.workerId === workerId(number));
    if (candidate === undefined) return;
    candidate.used += 1;
    const type = ownType(customerId(customer), "noop");
    candidate.running.set(type, (candidate.running.get(type) ?? 0) + 1);
    candidate.resourcesUsed.memory_mb += 8;
    const demanded = item(this.#number(), { resources: { memory_mb: 8 } });
    this.attempts.push(this.ledger.reserve(demanded, customerId(customer), workerId(number)));
  }

  #recall(number: number, customer: number): void {
    const held = { workloadId: workloadId(this.#number()), workloadType: "noop", generation: 1, started: true };
    this.attempts.push(
      this.ledger.recall({ ...held, workerId: workerId(number), customerId: customerId(customer) }, t0),
    );
  }

  #change({ do: what, which }: Extract<Operation, { which: number }>): void {
    const attempt = this.attempts[which % Math.max(1, this.attempts.length)];
    if (attempt === undefined) return;
    if (what === "settle" && attempt.state === "reserved") this.ledger.settle(attempt, 1, "sent");
    if (attempt.state !== "reserved" && attempt.state !== "ended") {
      if (what === "hold") attempt.state = "held";
      if (what === "stop") attempt.state = "stopping";
      if (what === "end") this.ledger.end(attempt);
    }
    if (what !== "free") return;
    this.ledger.free(attempt);
    this.attempts.splice(this.attempts.indexOf(attempt), 1);
  }

  #number(): number {
    this.#next += 1;
    return this.#next;
  }
}

const occupying = ({ state }: Attempt) => state !== "ended";

describe("the ledger after anything", () => {
  test("counts for each worker and each customer exactly the attempts that hold a slot (I20, I21)", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const { ledger, attempts } = playAll(operations);
        for (const { workerId: id, candidate } of ledger.workers.values()) {
          const own = attempts.filter((attempt) => attempt.workerId === id && occupying(attempt));
          expect(candidate.used).toBe(own.length);
          for (const number of customerNumbers) {
            const theirs = own.filter((attempt) => attempt.customerId === customerId(number));
            expect(candidate.running.get(ownType(customerId(number), "noop")) ?? 0).toBe(theirs.length);
          }
          const memory = own.reduce((sum, { resources }) => sum + (resources.memory_mb ?? 0), 0);
          expect(candidate.resourcesUsed.memory_mb).toBe(memory);
        }
        for (const number of customerNumbers) {
          const own = attempts.filter((attempt) => attempt.customerId === customerId(number));
          expect(ledger.heldBy(customerId(number))).toBe(own.filter(occupying).length);
          expect(new Set(ledger.attemptsOf(customerId(number)))).toEqual(new Set(own));
        }
        expect(ledger.isEmpty()).toBe(attempts.length === 0);
      }),
      { numRuns: 300 },
    );
  });

  test("knows each worker's attempts, also of a worker that left and came back", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const { ledger, attempts } = playAll(operations);
        for (const known of ledger.workers.values()) {
          expect(known.attempts).toEqual(new Set(attempts.filter((one) => one.workerId === known.workerId)));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("finds an attempt by its workload and generation from its writing to its release", () => {
    const played = new Played();
    played.play({ do: "enroll", worker: 1 });
    played.play({ do: "reserve", worker: 1, customer: 1 });
    const [attempt] = played.attempts;
    const name = { workload_id: workloadId(1), generation: 1 };
    expect(played.ledger.find(name)).toBeUndefined();
    expect(played.ledger.reservation(workloadId(1))).toBe(attempt);
    played.play({ do: "settle", which: 0 });
    expect(played.ledger.reservation(workloadId(1))).toBeUndefined();
    played.play({ do: "end", which: 0 });
    expect(played.ledger.find(name)).toBe(attempt);
    played.play({ do: "free", which: 0 });
    expect(played.ledger.find(name)).toBeUndefined();
  });

  test("offers neither a worker that drains nor one that has not answered for itself", () => {
    const ledger = new Ledger();
    ledger.enroll({ ...registration(1), draining: true }, t0);
    ledger.expect(workerId(2), t0);
    ledger.enroll(registration(3), t0);
    expect(ledger.candidates().map((one) => one.workerId)).toEqual([workerId(3)]);
  });
});

function playAll(operations: readonly Operation[]): Played {
  const played = new Played();
  for (const one of operations) played.play(one);
  return played;
}

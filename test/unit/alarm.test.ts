/** The alarm of an object over what it stored before: nothing that was asked for is put off. */
import { describe, expect, it } from "vitest";
import { Alarm } from "../../functions/alarm.ts";

/** An object's storage, and the work that keeps all else waiting. */
class Host {
  readonly storage = {
    getAlarm: async () => this.at,
    setAlarm: async (at: number) => {
      this.at = at;
      this.sets += 1;
    },
  };
  at: number | null;
  sets = 0;
  begun: Promise<unknown> = Promise.resolve();

  constructor(at: number | null) {
    this.at = at;
  }
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void> {
    const done = work();
    this.begun = done;
    return done;
  }
}

async function newAlarm(stored: number | null) {
  const host = new Host(stored);
  const alarm = new Alarm(host);
  await host.begun;
  return { host, alarm };
}

describe("an alarm", () => {
  it("is not put off by an object that has just come back to mind", async () => {
    const { host, alarm } = await newAlarm(10);
    alarm.by(20);
    expect([host.at, host.sets]).toEqual([10, 0]);
    alarm.by(5);
    expect(host.at).toBe(5);
  });

  it("that is asked for while the object comes to mind is set unless an earlier one is stored", async () => {
    const ats: (number | null)[] = [];
    for (const stored of [null, 10, 30]) {
      const host = new Host(stored);
      new Alarm(host).by(20);
      await host.begun;
      ats.push(host.at);
    }
    expect(ats).toEqual([20, 10, 20]);
  });

  it("is set again once it has fired", async () => {
    const { host, alarm } = await newAlarm(10);
    expect(alarm.fired()).toBe(10);
    alarm.by(20);
    expect(host.at).toBe(20);
  });
});

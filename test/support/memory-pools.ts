/** Pools that only say how they are, and which of them were woken. */
import type { PoolGateway } from "../../functions/coordinator/gateway.ts";

/** Switches for what may go wrong outside. */
export interface Faults {
  database: "up" | "down" | "broken";
  leader: "up" | "down";
  broker: "up" | "down";
}

export class MemoryPools implements PoolGateway {
  readonly pools = ["default", "gpu"];
  readonly woken: string[] = [];
  readonly faults: Faults;

  constructor(faults: Faults) {
    this.faults = faults;
  }

  async wake(pool: string): Promise<void> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    this.woken.push(pool);
  }

  async health(): Promise<{ broker: boolean; leader: boolean }> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return { broker: this.faults.broker === "up", leader: true };
  }

  async metrics(): Promise<string> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return "# TYPE niyanta_worker_capacity_total gauge\nniyanta_worker_capacity_total 10\n";
  }
}

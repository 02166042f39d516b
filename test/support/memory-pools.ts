/** Pools that only say how they are, and which of them were woken. */
import type { PoolGateway, WorkerRecord } from "../../functions/coordinator/gateway.ts";
import type { FleetPage, FleetQuery } from "../../functions/domain/fleet-page.ts";
import type { WorkerId } from "../../schema/ids.ts";

/** Switches for what may go wrong outside. */
export interface Faults {
  database: "up" | "down" | "broken";
  leader: "up" | "down";
  broker: "up" | "down";
}

export class MemoryPools implements PoolGateway {
  readonly pools = ["default", "gpu"];
  readonly woken: string[] = [];
  /** `<pool>/<worker>` */
  readonly removed = new Set<string>();
  readonly faults: Faults;

  constructor(faults: Faults) {
    this.faults = faults;
  }

  async wake(pool: string): Promise<void> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    this.woken.push(pool);
  }

  async isRemoved(pool: string, worker: WorkerId): Promise<boolean> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return this.removed.has(`${pool}/${worker}`);
  }

  async fleet(_pool?: string, _query?: FleetQuery): Promise<FleetPage> {
    if (this.faults.leader === "down") throw new Error("the object was reset");
    return { live: [], workers: [] };
  }

  /** There is nobody to be drained. */
  async drain(): Promise<boolean> {
    return false;
  }

  async remove(pool: string, { workerId }: WorkerRecord): Promise<void> {
    this.removed.add(`${pool}/${workerId}`);
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

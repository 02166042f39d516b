/** The operator of a stack in tests: the fleet, and its two orders. */
import { type WorkerView, workerListSchema, workerViewSchema } from "../../schema/http/worker.ts";
import type { WorkerId } from "../../schema/ids.ts";

export class Operator {
  readonly #url: string;
  readonly #key: string;

  constructor(dev: { readonly api_url: string; readonly admin_key: string }) {
    this.#url = `${dev.api_url}/v1/admin/workers`;
    this.#key = dev.admin_key;
  }

  async workers(query: Record<string, string> = {}): Promise<WorkerView[]> {
    return workerListSchema.parse(await (await this.#send("GET", `?${new URLSearchParams(query)}`)).json()).workers;
  }

  async worker(id: WorkerId): Promise<WorkerView> {
    return workerViewSchema.parse(await (await this.#send("GET", `/${id}`)).json());
  }

  async drain(id: WorkerId): Promise<WorkerView> {
    return workerViewSchema.parse(await (await this.#send("POST", `/${id}/drain`)).json());
  }

  /** The status of each answer: the request is made so many times. */
  async remove(id: WorkerId, times = 1): Promise<number[]> {
    const statuses: number[] = [];
    for (let made = 0; made < times; made += 1) statuses.push((await this.#send("DELETE", `/${id}`)).status);
    return statuses;
  }

  #send(method: string, path: string): Promise<Response> {
    return fetch(`${this.#url}${path}`, { method, headers: { authorization: `Bearer ${this.#key}` } });
  }
}

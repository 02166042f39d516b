/** What a coordinator is told of a watcher: who it is, as the door found out, and what it asks for. */
import type { WorkloadId } from "../../../schema/ids.ts";
import type { CoordinatorGateway } from "../../coordinator/gateway.ts";
import type { Admitted, ApiContext } from "../context.ts";

type Watch = Parameters<CoordinatorGateway["watch"]>[1];
export type Asked = Pick<Watch, "workloadId" | "cursor" | "transport">;

/** `headers`: of the reply that carries the socket, which can get none after it was made. */
export const watchFor = (
  { principal }: Pick<Admitted, "principal">,
  asked: Asked,
  headers: Readonly<Record<string, string>>,
): Watch => ({ ...asked, principalId: principal.id, expiresAt: principal.expiresAt, headers });

export const watching = (workloadId: WorkloadId | null, cursor: string | undefined): Asked => ({
  workloadId,
  cursor: cursor ?? null,
  transport: "websocket",
});

/** What every reply of this request carries. */
export const replyHeaders = (c: ApiContext): Record<string, string> => Object.fromEntries(c.body(null).headers);

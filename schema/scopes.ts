/** What a key or a token may do. `admin` is the operator's alone: no key of a customer can carry it. */

export const customerScopes = [
  "workloads:read",
  "workloads:write",
  "configs:write",
  "keys:read",
  "keys:write",
] as const;
export type CustomerScope = (typeof customerScopes)[number];

export const scopes = [...customerScopes, "admin"] as const;
export type Scope = (typeof scopes)[number];

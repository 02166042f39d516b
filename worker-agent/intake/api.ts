/** Calls to the control plane over HTTP, with the token of the agent's pool. */

export interface ApiAccess {
  readonly apiUrl: string;
  readonly agentToken: string;
}

/** Rejects when no reply comes, or the signal fires. */
export const postToApi = (
  { apiUrl, agentToken }: ApiAccess,
  path: `/${string}`,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> =>
  fetch(new URL(path, apiUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${agentToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

/** The agent's own log: pino, one JSON line an event, with the field names of the whole system. */
import { type Logger, pino } from "pino";

export type AgentLog = Logger;

export const createLog = (level: string, workerId: string): AgentLog =>
  pino({
    level,
    base: { component: "worker-agent", worker_id: workerId },
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  });

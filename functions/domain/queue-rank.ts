/** The order inside a customer's queue, as one number that never changes while the workload waits. */

/**
 * Effective priority is `priority × weight + minutes waited × boost` (SPEC §5), highest first. Of two workloads of one
 * customer the difference does not depend on when it is looked at: "now" cancels out. So the order is static, and an
 * index can hold it: `created − priority × weight / boost` minutes, lowest first, ties by submission order.
 *
 * It also states the longest wait: a workload is overtaken only by those submitted within
 * `(priorityMax − priority) × weight / boost` minutes after it.
 */
export const queueRank = (createdAtMs: number, priority: number, weight: number, boostPerMinute: number): number =>
  Math.round(createdAtMs - (priority * weight * 60_000) / boostPerMinute);

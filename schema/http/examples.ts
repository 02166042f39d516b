/** Example values that the API document shows; ids are made up, and the same thing has the same id everywhere. */

export const exampleIds = {
  workload: "wl_01kaw3m2c8v5q0x9r7t4y6z1ba",
  otherWorkload: "wl_01kaw3m2c9d0e1f2g3h4j5k6m7",
  customer: "cust_01kavx5w2n8p4r6s0t3v7y9zbc",
  worker: "wkr_01kaw2r9d4f6g8h0j2k4m6n8pq",
  config: "wlcfg_01kaw1c7b3d5f7h9k1m3p5r7t9",
  key: "key_01kaw0b1c2d3e4f5g6h7j8k9mn",
  request: "req_5f0e8a1c-7b1d-4c55-9a57-2f1d6c0b8e3a",
} as const;

export const exampleTimes = {
  created: "2026-11-23T09:15:00.000Z",
  scheduled: "2026-11-23T09:15:00.006Z",
  started: "2026-11-23T09:15:00.014Z",
  later: "2026-11-23T09:18:42.517Z",
} as const;

/** Of a stream of one workload. */
export const exampleCursor = "WyJsaXZlIiwid2xfMDFrYXczbTJjOHY1cTB4OXI3dDR5Nno1YmEiLDQ4MTIzLDEsMF0";

export const exampleWorkload = {
  workload_id: exampleIds.workload,
  customer_id: exampleIds.customer,
  workload_type: "text.wordcount",
  status: "RUNNING",
  priority: 10,
  progress_percent: 40.5,
  progress_message: "2,145,000 lines",
  worker_id: exampleIds.worker,
  pool: "default",
  labels: { team: "reports" },
  input_params: { path: "/data/books.txt" },
  result_data: null,
  error: null,
  retry_count: 0,
  death_count: 0,
  generation: 1,
  checkpoint_sequence: 4,
  affinity_rules: null,
  timeout_seconds: 3600,
  retry_of: null,
  pending_action: null,
  created_at: exampleTimes.created,
  run_at: null,
  scheduled_at: exampleTimes.scheduled,
  started_at: exampleTimes.started,
  completed_at: null,
  updated_at: exampleTimes.later,
  estimated_completion_time: null,
} as const;

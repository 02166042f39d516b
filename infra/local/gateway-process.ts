/** The process that hosts the Neon gateway; it ends with the process that started it. */
import { createNeonGateway, gatewayBodyBytesMax, gatewayPoolMax } from "./neon-gateway.ts";

const { NIYANTA_GATEWAY_PORT = "", NIYANTA_GATEWAY_DATABASE = "", NIYANTA_GATEWAY_PREPARE = "" } = process.env;
const gateway = createNeonGateway({
  databaseHost: NIYANTA_GATEWAY_DATABASE,
  poolMax: gatewayPoolMax,
  prepare: NIYANTA_GATEWAY_PREPARE === "true",
  bodyBytesMax: gatewayBodyBytesMax,
});

process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => {
  gateway.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
gateway.server.listen({ port: Number(NIYANTA_GATEWAY_PORT), host: "127.0.0.1", backlog: 1_024 }, () => {
  process.send?.({ ready: true });
});

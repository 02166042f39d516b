/** pino's browser build, which needs nothing of Node; its package types only the entry. */
declare module "pino/browser.js" {
  import { pino } from "pino";
  export default pino;
}

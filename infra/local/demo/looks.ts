/** Whether the output may move and shine, or is plain lines for a log. */

export interface Surroundings {
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  isTty: boolean;
}

export const isFancy = ({ argv, env, isTty }: Surroundings): boolean =>
  isTty && !argv.includes("--no-color") && !env.NO_COLOR && !isSet(env.CI) && env.TERM !== "dumb";

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "" && value !== "false";

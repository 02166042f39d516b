/** What the demo says and how it looks: numbered steps, short sentences, progress. */
import { SingleBar } from "cli-progress";
import pc from "picocolors";
import { PlainProgress } from "./plain-progress.ts";

export interface Progress {
  show(percent: number, note: string): void;
  /** Leaves the last state where it stands. */
  stop(): void;
}

export interface Narrator {
  step(title: string): void;
  say(...lines: string[]): void;
  quote(...lines: string[]): void;
  progress(label: string): Progress;
  done(line: string): void;
  fail(reason: string): void;
}

const indent = "   ";
const barColumns = 40;

export function createNarrator(stream: NodeJS.WriteStream, fancy: boolean): Narrator {
  const colors = pc.createColors(fancy);
  let step = 0;
  let current: Progress | null = null;
  const write = (line: string) => {
    if (fancy) current?.stop(); // a line below a bar that goes on moving would be drawn over
    stream.write(`${line}\n`);
  };
  return {
    step(title) {
      step += 1;
      write(`\n${colors.bold(colors.cyan(`${step}.`))} ${colors.bold(title)}`);
    },
    say: (...lines) => {
      for (const line of lines) write(`${indent}${line}`);
    },
    quote: (...lines) => {
      write("");
      for (const line of lines) write(`${indent}${colors.dim(line)}`);
    },
    progress(label) {
      current = fancy
        ? movingBar(stream, label)
        : new PlainProgress((percent, note) => write(`${indent}${label}: ${percent} %, ${note}`));
      return current;
    },
    done: (line) => write(`\n${colors.green(line)}\n`),
    fail: (reason) => write(`\n${colors.red(reason)}\n`),
  };
}

function movingBar(stream: NodeJS.WriteStream, label: string): Progress {
  const bar = new SingleBar({
    stream,
    format: `${indent}${label} {bar} {shown} %  {note}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: barColumns,
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is heard in one place
  });
  bar.start(100, 0, { shown: "  0", note: "" });
  return {
    show: (percent, note) => bar.update(percent, { shown: String(Math.floor(percent)).padStart(3), note }),
    stop: () => {
      if (bar.isActive) bar.stop();
    },
  };
}

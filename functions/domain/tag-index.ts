/** Which workers carry which tag: made at most once a pass, for the workloads that ask for tags. */
import type { Tags } from "../../schema/affinity.ts";

interface Carried {
  readonly number: number;
  /** Indexes of the workers, rising. */
  readonly members: number[];
}

const nobody: readonly number[] = [];

export class TagIndex {
  readonly #byTag = new Map<string, Map<string, Carried>>();
  #size = 0;

  constructor(workers: readonly { readonly tags: Tags }[]) {
    for (const [index, { tags }] of workers.entries()) {
      for (const [tag, value] of Object.entries(tags)) this.#carried(tag, value).members.push(index);
    }
  }

  /** The tags as short text; one that no worker carries reads as `unknown`, because all such are alike. */
  textOf(tags: Tags | undefined, unknown: string): string {
    let text = "";
    for (const tag in tags) {
      const carried = this.#byTag.get(tag)?.get(tags[tag] ?? "");
      text += carried === undefined ? unknown : `${carried.number},`;
    }
    return text;
  }

  /** The shortest of `all` and the lists of workers with each tag: whoever carries all of them is in it. */
  narrowest(tags: Tags | undefined, all: readonly number[]): readonly number[] {
    let shortest = all;
    for (const tag in tags) {
      const members = this.#byTag.get(tag)?.get(tags[tag] ?? "")?.members ?? nobody;
      if (members.length < shortest.length) shortest = members;
    }
    return shortest;
  }

  #carried(tag: string, value: string): Carried {
    const values = this.#byTag.get(tag) ?? new Map<string, Carried>();
    this.#byTag.set(tag, values);
    const carried = values.get(value) ?? { number: this.#size++, members: [] };
    values.set(value, carried);
    return carried;
  }
}

import type { Step } from "./step.ts";

// biome-ignore lint/suspicious/noExplicitAny: the builder below is what checks the types
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyStep<Deps> = Step<Deps, any, any>;

/** A step in its place. */
export interface NamedStep<Deps> {
  /** Kebab verb-noun. Permanent: it is stored and shown. */
  readonly name: string;
  /** The step as people see it. */
  readonly phase: string;
  readonly step: AnyStep<Deps>;
  readonly when?: (have: never) => boolean;
}

/** What the engine needs of a pipeline, whatever its steps hand on. */
export interface RunnablePipeline<Deps> {
  /** Kebab verb-noun, such as `install-vm`. Permanent. */
  readonly name: string;
  /** What it is in a sentence, such as `VM installation`. */
  readonly title: string;
  readonly steps: readonly NamedStep<Deps>[];
}

/** An ordered list of named steps. A step may only need what the input or an earlier step gave. */
export class Pipeline<Deps, State> implements RunnablePipeline<Deps> {
  readonly name: string;
  readonly title: string;
  readonly steps: readonly NamedStep<Deps>[];

  constructor(name: string, title: string, steps: readonly NamedStep<Deps>[] = []) {
    this.name = name;
    this.title = title;
    this.steps = steps;
  }

  step<Gives>(name: string, phase: string, step: Step<Deps, State, Gives>): Pipeline<Deps, State & Gives> {
    return new Pipeline(this.name, this.title, [...this.steps, { name, phase, step }]);
  }

  /** Like step, but left out when `when` is false; so what it gives is optional to later steps. */
  stepIf<Gives>(
    when: (have: State) => boolean,
    name: string,
    phase: string,
    step: Step<Deps, State, Gives>,
  ): Pipeline<Deps, State & Partial<Gives>> {
    return new Pipeline(this.name, this.title, [...this.steps, { name, phase, step, when }]);
  }
}

/** Begins a list of steps. `Input` is what the operation starts with. */
export const pipeline = <Deps, Input>(name: string, title: string) => new Pipeline<Deps, Input>(name, title);

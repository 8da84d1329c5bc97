import { defineConfig } from "vitest/config";

/** Three kinds of tests, each its own project, so that `check` can run the fast one alone. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{agent,bench,cli,coordinator,lab,tools}/**/*.test.ts", "test/*.test.ts"],
          exclude: ["**/*.system.test.ts", "**/*.contract.test.ts"],
        },
      },
      {
        test: {
          name: "system",
          include: ["test/**/*.system.test.ts", "{agent,coordinator,lab}/**/*.contract.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

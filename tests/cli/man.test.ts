import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CATALOG } from "#src/cli/catalog.ts";
import { lacking, startPeer } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";

const FOLDER = join(ROOT, "dist/man");
const NAMES = ["socketry", ...Object.keys(CATALOG).map((name) => `socketry-${name}`)];

test("there is a man page for the program and for each command, and npm installs it", () => {
	const expected = NAMES.map((name) => `${name}.1`);
	const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
		readonly man: readonly string[];
	};
	assert.deepEqual(readdirSync(FOLDER).sort(), expected.toSorted());
	assert.deepEqual(
		manifest.man.toSorted(),
		expected.map((file) => `./dist/man/${file}`).toSorted(),
	);
});

describe("mandoc finds nothing wrong with", { skip: lacking("mandoc") }, () => {
	for (const name of NAMES) {
		test(name, async () => {
			const { stdout, code } = await startPeer("mandoc", ["-Tlint", pathOf(name)]).ended;
			assert.deepEqual([code, stdout], [0, ""]);
		});
	}
});

describe("man shows", { skip: lacking("man") }, () => {
	for (const name of NAMES) {
		test(name, async () => {
			const env = { MANWIDTH: "80", LC_ALL: "C.UTF-8", MAN_KEEP_FORMATTING: "" };
			const { stdout, stderr } = await startPeer("man", ["--warnings=w", "-l", pathOf(name)], {
				env,
			}).ended;
			assert.equal(stderr, "");
			const { guide } = (await CATALOG[name.slice("socketry-".length)]?.load()) ?? {};
			for (const option of Object.keys(guide?.options ?? {})) {
				if (guide?.options[option]?.isHidden) continue;
				assert.match(stdout, new RegExp(`^ +(-[a-z], )?--${option}\\b`, "m"));
			}
			for (const part of ["NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]) {
				assert.match(stdout, new RegExp(`^${part}$`, "m"));
			}
		});
	}
});

function pathOf(name: string): string {
	return join(FOLDER, `${name}.1`);
}

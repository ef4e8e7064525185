// Holds: dist/man has a page for the program and for each of its commands, made from the guides that their help is made from.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digest, filesBelow, isStamped, writeStamp } from "./files.mjs";
import { guideFiles, loadGuides } from "./guides.mjs";
import { manPage } from "./man-page.mjs";
import { ROOT } from "./run.mjs";

const OUTPUT = "dist/man";
const TOOLS = ["tools/guides.mjs", "tools/man.mjs", "tools/man-page.mjs"];
const STAMP = ".build/man.stamp";

/** Brings dist/man up to date with the guides; does nothing when they are as before. */
export async function writeManPages() {
	const guides = guideFiles();
	const inputs = [...guides, "package.json", ...TOOLS];
	if (guides.length === 0 || isStamped(STAMP, digest([...inputs, ...outputs()]))) return;
	const all = await loadGuides();
	const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
	const stale = new Set(outputs());
	mkdirSync(join(ROOT, OUTPUT), { recursive: true });
	for (const [name, summary, guide] of all) {
		const page = manPage({ name, summary, guide, version, date: today(), all });
		const path = `${OUTPUT}/${name.replace(" ", "-")}.1`;
		stale.delete(path);
		// Moved into place, so that nobody ever reads half of one.
		writeFileSync(join(ROOT, `${path}.${process.pid}.new`), page);
		renameSync(join(ROOT, `${path}.${process.pid}.new`), join(ROOT, path));
	}
	for (const path of stale) rmSync(join(ROOT, path));
	writeStamp(STAMP, digest([...inputs, ...outputs()]));
}

function outputs() {
	return filesBelow(OUTPUT, /\.1$/);
}

/** The day of the build, or the one that a reproducible build asks for. @see https://reproducible-builds.org/specs/source-date-epoch */
function today() {
	const seconds = process.env.SOURCE_DATE_EPOCH;
	const date = seconds === undefined ? new Date() : new Date(Number(seconds) * 1000);
	return date.toISOString().slice(0, 10);
}

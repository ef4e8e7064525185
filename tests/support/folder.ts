import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `body` with the path of an empty folder, which is removed afterwards. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
	const folder = mkdtempSync(join(tmpdir(), "socketry-"));
	try {
		return await body(folder);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

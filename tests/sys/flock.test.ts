import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LOCK_EX, LOCK_SH, LOCK_UN, sys } from "socketry/sys";
import { EAGAIN, EBADF, EINVAL } from "#src/sys/errno.ts";
import { inFolder } from "../support/folder.ts";

test("flock locks an open file against all others, and never waits", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "file");
		const [first, second] = [openSync(path, "w"), openSync(path, "r")];
		assert.equal(sys.flock(first, LOCK_EX), 0);
		// Of the open file, not of the process; once more is no mistake.
		assert.equal(sys.flock(first, LOCK_EX), 0);
		assert.equal(sys.flock(second, LOCK_EX), EAGAIN);
		assert.equal(sys.flock(second, LOCK_SH), EAGAIN);
		assert.equal(sys.flock(first, LOCK_UN), 0);
		assert.equal(sys.flock(second, LOCK_SH), 0);
		assert.equal(sys.flock(first, LOCK_SH), 0);
		assert.equal(sys.flock(first, LOCK_EX), EAGAIN);
		closeSync(second);
		assert.equal(sys.flock(first, LOCK_EX), 0);
		closeSync(first);
		assert.equal(sys.flock(first, LOCK_EX), EBADF);
		assert.equal(sys.flock(0, 0), EINVAL);
	});
});

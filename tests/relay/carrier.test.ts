/** Pipes that the kernel does not give. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enter, leave, takePipe } from "#src/relay/carrier.ts";
import { F_GETPIPE_SZ, F_SETPIPE_SZ } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { EPERM } from "#src/sys/errno.ts";

test("a kernel that refuses pipes which are better than memory is not asked again each turn", (t) => {
	enter();
	const pipe2 = t.mock.method(sys, "pipe2");
	const { fcntl } = sys;
	const small = t.mock.method(sys, "fcntl", (fd: number, command: number, argument?: number) => {
		if (command === F_SETPIPE_SZ) return EPERM;
		return command === F_GETPIPE_SZ ? 8_192 : fcntl(fd, command, argument ?? 0);
	});
	for (let turn = 0; turn < 100; turn++) assert.equal(takePipe(), undefined);
	assert.equal(pipe2.mock.callCount(), 1);
	// It gives some later, when other programs have let go of theirs.
	small.mock.restore();
	let pipe = takePipe();
	for (let turn = 0; pipe === undefined && turn < 10_000; turn++) pipe = takePipe();
	assert.ok(pipe !== undefined);
	assert.equal(pipe2.mock.callCount(), 2);
	pipe.release();
	leave();
});

/** Calls the engine in wrong order and with wrong numbers; run as a process of its own, since libuv would abort it. */
import assert from "node:assert/strict";
import { EBADF, EBUSY, EEXIST, EINVAL, sys } from "socketry/sys";

const { rss } = process.memoryUsage();
assert.equal(sys.engineWatch(0), EINVAL);
assert.equal(sys.engineHold(1), EINVAL);
assert.equal(sys.engineHold(0), EINVAL);
for (const fd of [0, -1, 1_000_000, -(2 ** 31), 2 ** 31 - 1]) {
	assert.equal(sys.engineArm(fd, 1), EBADF);
	assert.equal(sys.engineSpin(fd, 1), EBADF);
	assert.equal(sys.engineUnwatch(fd), EBADF);
}
for (const fd of [-1, -(2 ** 31), 2 ** 31 - 1, 1_000_000]) {
	assert.equal(sys.engineOwn(fd), EBADF);
	assert.equal(sys.engineDisown(fd), EBADF);
}
let turns = 0;
sys.engineStart(() => {
	turns++;
});
assert.throws(() => sys.engineStart(() => {}), { code: "ERR_ALREADY_STARTED" });
for (const fd of [-1, 2 ** 31 - 1, 1_000_000]) assert.equal(sys.engineWatch(fd), EBADF);

const pair = new Int32Array(2);
sys.socketpair(1, 0o4001, 0, pair);
const [fd, other] = pair as unknown as [number, number];
assert.equal(sys.engineWatch(fd), 0);
assert.equal(sys.engineWatch(fd), EEXIST);
for (const events of [8, 16, -1, 2 ** 31 - 1, -(2 ** 31)]) {
	assert.equal(sys.engineArm(fd, events), EINVAL);
}
assert.equal(sys.engineArm(fd, 3), 0);
assert.equal(sys.close(fd), EBUSY);
sys.engineHold(1);
await new Promise((resolve) => setTimeout(resolve, 5));
sys.engineHold(0);
assert.ok(turns > 0);
assert.equal(sys.engineArm(fd, 7), 0);
assert.equal(sys.engineUnwatch(fd), 0);
assert.equal(sys.engineUnwatch(fd), EBADF);
assert.equal(sys.engineArm(fd, 1), EBADF);
assert.equal(sys.close(fd), 0);
assert.equal(sys.engineWatch(fd), EBADF);
assert.equal(sys.close(other), 0);
assert.ok(process.memoryUsage().rss - rss < 64 * 1024 * 1024);
console.log("survived");

/** As somebody without privileges, has more descriptors on their way than the kernel allows; then the peer takes them, and it goes on. Argument: the user to become. */
import assert from "node:assert/strict";
import { socketpair } from "socketry";

const user = Number(process.argv[2]);
if (process.getuid?.() === 0) {
	// While the files of the package can be read.
	for (const end of socketpair()) end.abort();
	process.setgroups?.([]);
	process.setgid?.(user);
	process.setuid?.(user);
}
const [left, right] = socketpair("stream", { receiveDescriptors: 20 });
let refused: { code?: string; syscall?: string; message?: string } = {};
let sent = 0;
while (refused.code === undefined && sent < 1_000) {
	try {
		await left.write("x", { descriptors: Array(20).fill(0) });
		sent++;
	} catch (error) {
		refused = error as typeof refused;
	}
}
assert.equal(refused.code, "ETOOMANYREFS");
assert.equal(refused.syscall, "sendmsg");
assert.match(refused.message ?? "", /wait until the peer has received some/);
assert.equal(left.bytesWritten, sent);
let arrived = 0;
for (let i = 0; i < sent; i++) {
	await right.readExactly(1);
	for (const { descriptors } of right.takeDescriptors()) {
		for (const each of descriptors) each.close();
		arrived += descriptors.length;
	}
}
assert.equal(arrived, 20 * sent);
await left.write("y", { descriptors: [0] });
assert.equal(String(await right.read()), "y");
left.abort();
right.abort();

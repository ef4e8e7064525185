/** Becomes somebody without permissions and tries what they are needed for. Argument: the folder of the files. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, datagrams, listen, socketpair } from "socketry";
import { assertRefuses } from "../support/refusals.ts";

const [folder = ""] = process.argv.slice(2);
const NOBODY = 65_534;

// While the files of the package can be read.
for (const end of socketpair()) await end.close();
process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
assert.equal(process.getuid?.(), NOBODY);

const denied = {
	code: "EACCES",
	message: /no permission to write to the socket file; check its mode and its directories/,
};
await assertRefuses(() => connect(`unix:${folder}/stream`), denied);
await assertRefuses(() => connect(`unix-seqpacket:${folder}/packets`), denied);
const to = `unix-dgram:${folder}/datagram`;
await assertRefuses(() => datagrams(undefined, { connect: to }), denied);
const sender = await datagrams({ transport: "unix-dgram" });
await assertRefuses(() => sender.send("hello", to), { code: "EACCES", message: /permission/ });
assert.throws(() => sender.trySend("hello", to), { code: "EACCES" });
await sender.close();

await assertRefuses(() => connect(`unix:${folder}/closed/socket`), denied);
const noFile = {
	code: "EACCES",
	message: /no permission to create the socket file; check the mode of its directory/,
};
await assertRefuses(() => listen(`unix:${folder}/mine`), noFile);
await assertRefuses(() => listen(`unix:${folder}/closed/mine`, { mode: 0o600 }), noFile);
await assertRefuses(
	() => listen(`unix:${folder}/closed/mine`, { onStale: "replace-dead" }),
	noFile,
);
// Whose file it is cannot be found out: then it is not touched.
await assertRefuses(() => listen(`unix:${folder}/dead`, { onStale: "replace-dead" }), {
	code: "EADDRINUSE",
});

const [, first = 1_024] = /^(\d+)/.exec(
	readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"),
) as unknown as [string, number];
if (first > 1) {
	await assertRefuses(() => listen("tcp://127.0.0.1:1"), {
		code: "EACCES",
		message: /ports below 1024 need privileges; take a higher port/,
	});
	await assertRefuses(() => datagrams("udp://127.0.0.1:1"), { code: "EACCES" });
}
const [left, right] = socketpair();
await assertRefuses(() => left.socket.setOption("SO_MARK", 1), {
	code: "EPERM",
	message: /SO_MARK: the option needs privileges: CAP_NET_ADMIN/,
});
await Promise.all([left.close(), right.close()]);

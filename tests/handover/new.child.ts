/** A new process that fails in the way that its first argument says, or serves until it is told to stop. */
import { connect } from "socketry";
import { type HandoverError, takeOver } from "socketry/handover";
import { answer, echo } from "./old.ts";

const [manner = "", post = "", specs = "{}"] = process.argv.slice(2);
const sockets = JSON.parse(specs) as { web: "tcp:"; local: "unix:"; names: "udp:" };

try {
	await fail();
} catch (error) {
	const { code, reason } = error as HandoverError;
	console.log(`refused ${code} ${reason}`);
	process.exit(4);
}

async function fail(): Promise<void> {
	if (manner === "silent") {
		await connect(post);
		process.exit(3);
	}
	if (manner === "nonsense") {
		const packets = await connect(post as `unix-seqpacket:${string}`);
		await packets.send("What is going on here?");
		console.log(`answered ${await packets.receive()}`);
		process.exit(3);
	}
	const handover = await takeOver(post, { sockets });
	console.log("has the sockets");
	switch (manner) {
		case "exit":
			process.exit(3);
			break;
		case "throw":
			queueMicrotask(() => {
				throw new Error("on purpose");
			});
			break;
		case "kill":
			process.kill(process.pid, "SIGKILL");
			break;
		case "withdraw":
			await handover.close();
			process.exit(3);
			break;
		case "hang":
			setInterval(() => {}, 1_000);
			break;
		case "late":
			setInterval(() => {}, 1_000);
			await new Promise((resolve) => process.once("SIGUSR2", resolve));
			await handover.ready();
			break;
		default: {
			const { web, local, names } = await handover.ready();
			for (const listener of [web, local]) {
				void (async () => {
					for await (const stream of listener) void echo(stream);
				})();
			}
			void answer(names);
			process.once("SIGTERM", () => void handover.close());
			console.log("serves");
			await handover.offer();
			web.close();
			local.close();
			process.exit(0);
		}
	}
}

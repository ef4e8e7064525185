/** Sends to a server whose address is taken away meanwhile, and prints what TCP tells before and after, as JSON: HOST PORT HOSTNAME INTERFACE. */
import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "socketry";
import { PATIENT } from "../support/patience.ts";

const [host = "", port = "", name = "", link = ""] = process.argv.slice(2);
const LOOKS_MAX = 10_000;
const LOOK_MS = 10;

function setAddress(verb: "add" | "del"): void {
	execFileSync("ip", ["-n", name, "address", verb, `${host}/24`, "dev", link]);
}

const stream = await connect(`tcp://${host}:${port}`, PATIENT);
type Figures = NonNullable<ReturnType<typeof stream.stats>["tcp"]>;

async function until(isSo: (figures: Figures) => boolean): Promise<Figures> {
	for (let looks = 0; looks < LOOKS_MAX; looks++) {
		const { tcp } = stream.stats();
		if (tcp !== undefined && isSo(tcp)) return tcp;
		await pause(LOOK_MS);
	}
	throw new Error(`TCP does not get there: ${JSON.stringify(stream.stats())}`);
}

await stream.write(Buffer.alloc(1_000));
const before = await until(({ bytesAcked = 0 }) => bytesAcked > 1_000);
setAddress("del");
await stream.write(Buffer.alloc(10_000));
await stream.flush();
const meanwhile = await until(({ retransmits }) => retransmits > 0);
setAddress("add");
const after = await until(({ bytesAcked = 0 }) => bytesAcked > 11_000);
console.log(JSON.stringify({ before, meanwhile, after }));
stream.abort();

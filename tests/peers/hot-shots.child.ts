/** Counts by hot-shots over the Unix datagram socket that the first argument names, as often as the second says. */
import { StatsD } from "hot-shots";

const [path = "", count = "0"] = process.argv.slice(2);
const client = new StatsD({ protocol: "uds", path, prefix: "test.", maxBufferSize: 0 });
let failed = 0;
for (let i = 0; i < Number(count); i++) {
	await new Promise<void>((resolve) => {
		client.increment("requests", 2, (error) => {
			if (error) failed++;
			resolve();
		});
	});
}
await new Promise((resolve) => client.close(resolve));
console.log(JSON.stringify({ sent: Number(count), failed }));
process.exit();

/** Sends datagrams from an address that belongs to another host too: SOURCE TARGET BYTES COUNT. */
import { datagrams } from "socketry";

const [source = "", target = "", bytes = "", count = ""] = process.argv.slice(2);
const forger = await datagrams(`udp://${source}`, { connect: `udp://${target}` });
for (let i = 0; i < Number(count); i++) await forger.send(Buffer.alloc(Number(bytes)));
await forger.close();

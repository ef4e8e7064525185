/**
 * Tells the local network the address of a name, until it is interrupted.
 *
 *     node examples/mdns/respond.ts eth0 mine.local 192.0.2.7
 */
import { answerFor, openMdns } from "./mdns.ts";

const [networkInterface = "lo", name = "mine.local", address = "127.0.0.1"] = process.argv.slice(2);
const socket = await openMdns(networkInterface);
process.once("SIGINT", () => void socket.close());
process.once("SIGTERM", () => void socket.close());
console.log(`${name} is ${address} on ${networkInterface}`);
await answerFor(socket, name, address, (asker) => console.log(`asked by ${asker}`));

/**
 * Runs a command on an SSH server: the client of the package `ssh2` on a stream of this library. Its input and output are those of the command.
 *
 *     node examples/ssh/client.ts tcp://127.0.0.1:22 anna ~/.ssh/id_ed25519 host.key.pub 'uname -a'
 *
 * The server must have the host key of the file.
 */
import { readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { connect } from "socketry";
import { toDuplex } from "socketry/node";
import ssh2 from "ssh2";

const [address = "", username = "", keyFile = "", hostKeyFile = "", command = ""] =
	process.argv.slice(2);
const hostKey = ssh2.utils.parseKey(readFileSync(hostKeyFile));
if (hostKey instanceof Error) throw hostKey;

const client = new ssh2.Client();
const ready = new Promise<void>((resolve, reject) => {
	client.once("ready", resolve).once("error", reject);
});
client.connect({
	sock: toDuplex(await connect(address as `tcp:${string}`)),
	username,
	privateKey: readFileSync(keyFile),
	hostVerifier: (key: Buffer) => key.equals(hostKey.getPublicSSH()),
});
await ready;
const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
	client.exec(command, (error, opened) => {
		// Not later: what it says of its end may have come along.
		opened?.once("exit", (status: number | null) => {
			process.exitCode = status ?? 1;
		});
		if (error) reject(error);
		else resolve(opened);
	});
});
channel.stderr.pipe(process.stderr);
const sent = pipeline(process.stdin, channel);
// A command need not read what it is sent.
sent.catch(() => undefined);
await pipeline(channel, process.stdout);
process.stdin.destroy();
client.end();

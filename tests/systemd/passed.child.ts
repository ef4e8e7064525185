/**
 * Uses what a service manager has passed, as its first argument says, and tells about it in lines of JSON.
 *
 * - `listen NAME`, `datagrams NAME`, `connect NAME`: answers one message, or the bytes up to a line break, by `pong`
 * - `both NAME`: takes a listener and a datagram socket of one name, and fails to take a connection
 * - `all`: names and kinds of all that was passed
 * - anything else: how listening on NAME fails
 */
import { connect, datagrams, listen, type PacketStream, type Stream } from "socketry";
import { fromSystemd } from "socketry/systemd";
import { PATIENT } from "../support/patience.ts";

const [command, name = ""] = process.argv.slice(2);

function say(what: unknown): void {
	console.log(JSON.stringify(what));
}

async function answer(connection: Stream | PacketStream): Promise<void> {
	const asked =
		"readUntil" in connection
			? await connection.readUntil("\n", PATIENT)
			: await connection.receive(PATIENT);
	say({ asked: String(asked).trim(), transport: connection.peer.transport });
	if ("write" in connection) await connection.write("pong");
	else await connection.send("pong");
	await connection.close();
}

const variables = (): string[] => Object.keys(process.env).filter((key) => /^LISTEN_/.test(key));

switch (command) {
	case "listen": {
		const listener = await listen(`systemd:${name}`);
		await answer(await listener.accept(PATIENT));
		listener.close();
		say({ left: fromSystemd().map((each) => each.name), variables: variables() });
		break;
	}
	case "connect":
		await answer(await connect(`systemd:${name}`));
		break;
	case "datagrams": {
		const socket = await datagrams(`systemd:${name}`);
		const { data, from } = await socket.receive(PATIENT);
		say({ asked: String(data), transport: from.transport });
		await socket.send("pong", from, PATIENT);
		await socket.close();
		break;
	}
	case "both": {
		const listener = await listen(`systemd:${name}`);
		const socket = await datagrams(`systemd:${name}`);
		const failed = await connect(`systemd:${name}`).catch(({ code }) => code as string);
		const left = fromSystemd({ name }).map(({ descriptor }) => descriptor.kind);
		say([listener.address.transport, socket.address.transport, failed, left]);
		const again = await listen(`systemd:${name}`).catch(({ message }) => message as string);
		say(again);
		break;
	}
	case "all":
		say({
			variables: variables().toSorted(),
			passed: fromSystemd().map(({ name: each, descriptor }) => [each, descriptor.kind]),
			again: fromSystemd(),
			left: variables(),
		});
		break;
	default:
		say(await listen(`systemd:${name}`).catch(({ code, message }) => ({ code, message })));
}
process.exit();

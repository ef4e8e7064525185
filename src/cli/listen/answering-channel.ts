/** Datagrams from anybody; what is sent goes to who spoke last. */
import type { Address, Datagrams } from "../../index.ts";
import type { Channel } from "../exchange/channel.ts";

/** Makes a channel of a socket that hears everybody. What is sent before anybody spoke waits for the first one. */
export function answeringChannel(socket: Datagrams): Channel {
	let last: Address | undefined;
	let wake: (() => void) | undefined;
	let isOver = false;
	const somebody = new Promise<void>((resolve) => {
		wake = resolve;
	});
	const end = (): void => {
		isOver = true;
		wake?.();
	};
	return {
		tellsEnd: false,
		async send(data) {
			if (last === undefined) await somebody;
			if (!isOver) await socket.send(data, last);
		},
		async receive() {
			const { data, from } = await socket.receive();
			last = from;
			wake?.();
			return { data, from, descriptors: [] };
		},
		closeWrite: () => (isOver ? Promise.resolve() : socket.flush()),
		close() {
			end();
			return socket.close();
		},
		abort() {
			end();
			socket.abort();
		},
	};
}

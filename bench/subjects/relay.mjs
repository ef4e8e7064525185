// The relay of the subject `node`: net.Socket.pipe both ways, or a socket of dgram for each peer. relay.mjs FROM TO
import dgram from "node:dgram";
import net from "node:net";

const RECEIVE_BUFFER_BYTES = 4 << 20;

function place(address) {
	const [, scheme, rest] = /^(tcp|udp|unix):(.*)$/.exec(address);
	if (scheme === "unix") return { path: rest };
	const [, host, port] = /^\/\/([^:]+):(\d+)$/.exec(rest);
	return { host, port: Number(port) };
}

function relayStreams(from, to) {
	const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (left) => {
		const right = net.connect({ ...to, allowHalfOpen: true, noDelay: true });
		left.pipe(right).pipe(left);
		const destroy = () => {
			left.destroy();
			right.destroy();
		};
		left.on("error", destroy);
		right.on("error", destroy);
	});
	server.listen({ ...from, backlog: 4096 });
}

function relayDatagrams(from, to) {
	const left = dgram.createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER_BYTES });
	const sessions = new Map();
	const open = (port, address) => {
		const right = dgram.createSocket("udp4");
		const session = { right, isOpen: false };
		right.on("message", (reply) => left.send(reply, port, address));
		right.on("error", () => {});
		right.connect(to.port, to.host, () => {
			session.isOpen = true;
		});
		return session;
	};
	left.on("message", (message, { address, port }) => {
		const name = `${address}:${port}`;
		let session = sessions.get(name);
		if (session === undefined) {
			session = open(port, address);
			sessions.set(name, session);
		}
		if (session.isOpen) session.right.send(message);
	});
	left.bind(from.port, from.host);
}

const [from, to] = process.argv.slice(2);
const relay = from.startsWith("udp:") ? relayDatagrams : relayStreams;
relay(place(from), place(to));
